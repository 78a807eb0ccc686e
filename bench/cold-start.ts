/** @module Cold start: time to the first byte of a completion from the real Worker, in a fresh workerd. */
import { DEFAULT_CHECKPOINT, DEFAULT_MODEL, ensureModel } from '../model-assets/ensure.ts';
import { INT4_MODEL } from './models.ts';
import { peakBytes } from './resident.ts';
import { ISOLATE_HEAP_MIB, startServer } from './workerd/server.ts';

export interface ColdStart {
  readonly model: string;
  /** From sending the request to the first byte of the stream; one fresh process per entry. */
  readonly firstByteMilliseconds: readonly number[];
  /** The same for the second request. */
  readonly secondRequestMilliseconds: readonly number[];
  readonly peakBytes: readonly (number | null)[];
}

export async function measureColdStarts(times: number): Promise<ColdStart[]> {
  await ensureModel({ source: DEFAULT_CHECKPOINT, out: DEFAULT_MODEL, precision: 'int8' });
  return [
    await coldStart('the default model, 7M', DEFAULT_MODEL, times),
    await coldStart('GPT-2 124M, int4', INT4_MODEL, times),
  ];
}

async function coldStart(model: string, assets: string, times: number): Promise<ColdStart> {
  const first: number[] = [];
  const second: number[] = [];
  const peaks: (number | null)[] = [];
  for (let i = 0; i < times; i++) {
    const server = await startServer('worker/index.ts', assets, ISOLATE_HEAP_MIB);
    try {
      first.push(await firstByte(server.url));
      second.push(await firstByte(server.url));
      peaks.push(peakBytes(server.pids));
    } finally {
      await server.close();
    }
  }
  return { model, firstByteMilliseconds: first, secondRequestMilliseconds: second, peakBytes: peaks };
}

async function firstByte(server: URL): Promise<number> {
  const begin = performance.now();
  const response = await fetch(new URL('/v1/completions', server), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt: 'Once upon a time', max_tokens: 8, stream: true }),
  });
  if (!response.ok || !response.body) throw new Error(`the Worker answered ${response.status}`);
  const reader = response.body.getReader();
  await reader.read();
  const milliseconds = performance.now() - begin;
  while (!(await reader.read()).done);
  return milliseconds;
}
