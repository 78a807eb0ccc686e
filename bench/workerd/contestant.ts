/** @module Starts a contestant in a fresh workerd process. */
import type { Contestant, Start } from '../contestant.ts';
import { INT4_MODEL, INT8_MODEL, USUAL_MODEL } from '../models.ts';
import type { Answer } from '../side.ts';
import { ISOLATE_HEAP_MIB, type Server, startServer } from './server.ts';

const ASSETS = { bare: INT8_MODEL, int4: INT4_MODEL, int8: INT8_MODEL, usual: USUAL_MODEL };
const MAIN = { bare: 'bare', int4: 'ours', int8: 'ours', usual: 'usual' };

export const startInWorkerd: Start = async (side) => {
  const server = await startServer(
    `bench/workerd/${MAIN[side]}.ts`,
    ASSETS[side],
    ...(side === 'int4' ? [ISOLATE_HEAP_MIB] : []),
  );
  try {
    return await contestantAt(server);
  } catch (error) {
    await server.close();
    throw error;
  }
};

async function contestantAt({ url, pids, close }: Server): Promise<Contestant> {
  const { loadMilliseconds } = await post<{ loadMilliseconds: number }>(new URL('/load', url));
  return {
    loadMilliseconds,
    pids,
    perform: (request) => post<Answer>(new URL('/work', url), request),
    close,
  };
}

async function post<T>(url: URL, body: object = {}): Promise<T> {
  const response = await fetch(url, { method: 'POST', body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`workerd answered ${response.status} to ${url.pathname}`);
  return (await response.json()) as T;
}
