/** @module `GET /metrics`, for Prometheus: of this isolate, since it began. */
import { Hono } from 'hono';
import type { AppEnv } from '../bindings.ts';
import type { EngineStatus } from '../engine/engine.ts';
import { gauge } from '../operate/metrics.ts';
import type { Records } from '../operate/records.ts';

export const metrics = (records: Records) =>
  new Hono<AppEnv>().get('/', (c) => {
    const { loaded } = c.get('engine');
    const lines = [...records.lines(), ...(loaded ? ofEngine(loaded.status) : [])];
    return c.text(`${lines.join('\n')}\n`, 200, { 'content-type': 'text/plain; version=0.0.4' });
  });

function* ofEngine({ heap, slots, requests, waitingRows }: EngineStatus): Generator<string> {
  yield* gauge('edgebeam_open_generations', 'Generations that hold a part of the cache', [[{}, requests]]);
  yield* gauge('edgebeam_waiting_rows', 'Rows that wait for the next forward pass', [[{}, waitingRows]]);
  yield* gauge('edgebeam_slots', 'Slots of the cache, a token each', states(slots));
  yield* gauge('edgebeam_heap_bytes', 'The WebAssembly heap', states(heap));
}

function states(values: object): [{ state: string }, number][] {
  return Object.entries(values).flatMap(([state, value]) =>
    typeof value === 'number' ? [[{ state }, value]] : [],
  );
}
