/** @module `GET /metrics`, for Prometheus: of this isolate, since it began. */
import { Hono } from 'hono';
import type { Engine, EngineStatus } from '../../../engine/engine.ts';
import type { AppEnv } from '../../http/env.ts';
import {
  Counter,
  type Family,
  gauge,
  Histogram,
  type Labels,
  prometheusText,
} from '../../operate/metrics.ts';
import type { Records } from '../../operate/records.ts';

export function metrics(records: Records): Hono<AppEnv> {
  // Each isolate counts for itself, and a scrape meets one of them: with its name they are series of their own, which
  // never go back. Chosen with the first scrape, for a Worker that starts may not ask for random numbers.
  let isolate: string | undefined;
  return new Hono<AppEnv>().get('/', (c) => {
    isolate ??= crypto.randomUUID().slice(0, 8);
    const { loaded } = c.get('engine');
    const families = [...records.families, ...(loaded ? ofEngine(loaded) : [])];
    return c.text(prometheusText(families, { isolate }), 200, {
      'content-type': 'text/plain; version=0.0.4; charset=utf-8',
    });
  });
}

/** A pass has no more rows. */
const PASS_ROWS = [1, 2, 4, 8, 16, 32, 64] as const;

function ofEngine({ manifest: { name, precision }, status, passCounts }: Engine): Family[] {
  const { heap, slots, requests, waitingRequests, waitingRows }: EngineStatus = status;
  const passRows = new Histogram('edgebeam_pass_rows', 'Rows of the forward passes.', PASS_ROWS);
  for (const [rows, passes] of passCounts.passes) passRows.observe({}, rows, passes);
  const rows = new Counter(
    'edgebeam_rows_total',
    'Rows that were computed, by whether logits were asked for.',
  );
  rows.add({ logits: 'yes' }, passCounts.lmHead);
  rows.add({ logits: 'no' }, passCounts.rows - passCounts.lmHead);
  return [
    passRows,
    rows,
    gauge('edgebeam_model_info', 'The model in memory.', [[{ model: name, precision }, 1]]),
    gauge('edgebeam_open_generations', 'Generations that hold a part of the cache.', [[{}, requests]]),
    gauge('edgebeam_waiting_requests', 'Requests that wait for room in the cache.', [[{}, waitingRequests]]),
    gauge('edgebeam_waiting_rows', 'Rows that wait for the next forward pass.', [[{}, waitingRows]]),
    gauge(
      'edgebeam_slots',
      'Slots of the cache, a token each: promised to requests, held by them, kept for who begins alike, free.',
      states({ ...slots, free: slots.capacity - slots.taken - slots.cached }),
    ),
    gauge('edgebeam_heap_bytes', 'The WebAssembly heap, by who holds it.', states(heap)),
  ];
}

function states(values: object): [Labels, number][] {
  return Object.entries(values).flatMap(([state, value]): [Labels, number][] =>
    typeof value === 'number' ? [[{ state }, value]] : [],
  );
}
