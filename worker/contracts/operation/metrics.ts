/** @module `GET /metrics` for Prometheus: counters of this isolate since its start. */
import type { Handler } from 'hono';
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

export function metrics(records: Records): Handler<AppEnv> {
  // Each isolate has its own counters, and a scrape reaches one isolate. The label `isolate` separates their
  // series, which must never decrease. It is set at the first scrape: a Worker cannot generate random numbers
  // at startup.
  let isolate: string | undefined;
  return (c) => {
    isolate ??= crypto.randomUUID().slice(0, 8);
    const { loaded } = c.get('model');
    const families = [...records.families, ...(loaded ? familiesOf(loaded.engine) : [])];
    return c.text(prometheusText(families, { isolate }), 200, {
      'content-type': 'text/plain; version=0.0.4; charset=utf-8',
    });
  };
}

/** Bucket bounds. No pass has more rows than the last. */
const PASS_ROWS = [1, 2, 4, 8, 16, 32, 64] as const;

function familiesOf({
  manifest: { name, precision, adapters: known = [] },
  status,
  passCounts,
}: Engine): Family[] {
  const { heap, slots, adapters, javaScript, requests, waitingRequests, waitingRows }: EngineStatus = status;
  const passRows = new Histogram('edgebeam_pass_rows', 'Rows of the forward passes.', PASS_ROWS);
  for (const [rows, passes] of passCounts.passesByRows) passRows.observe({}, rows, passes);
  const rows = new Counter('edgebeam_rows_total', 'Rows computed, with and without logits.');
  rows.add({ logits: 'yes' }, passCounts.lmHeadRows);
  rows.add({ logits: 'no' }, passCounts.rows - passCounts.lmHeadRows);
  const loads = new Counter('edgebeam_adapter_loads_total', 'Times that an adapter was read into the heap.');
  loads.add({}, adapters.loads);
  return [
    passRows,
    rows,
    gauge('edgebeam_model_info', 'The model in memory.', [[{ model: name, precision }, 1]]),
    gauge('edgebeam_open_generations', 'Generations that hold cache space.', [[{}, requests]]),
    gauge('edgebeam_waiting_requests', 'Requests that wait for cache space or memory.', [
      [{}, waitingRequests],
    ]),
    gauge('edgebeam_waiting_rows', 'Rows that wait for the next forward pass.', [[{}, waitingRows]]),
    gauge(
      'edgebeam_slots',
      'Slots of the cache, one token each: reserved by requests, in use, in the prefix cache alone, free.',
      states({ ...slots, free: slots.capacity - slots.taken - slots.cached }),
    ),
    loads,
    gauge('edgebeam_adapters', 'Adapters of the model: all, in the heap, and in use.', [
      [{ state: 'all' }, known.length],
      [{ state: 'loaded' }, adapters.loaded.length],
      [{ state: 'used' }, adapters.loaded.filter(({ uses }) => uses > 0).length],
    ]),
    gauge(
      'edgebeam_adapter_bytes',
      'The heap’s space for adapters: its maximum, and the part that has one.',
      states({ maximum: adapters.maximum, loaded: adapters.bytes }),
    ),
    gauge(
      'edgebeam_javascript_bytes',
      'Memory of requests in JavaScript: what they have reserved, and its maximum.',
      states(javaScript),
    ),
    gauge('edgebeam_heap_bytes', 'The WebAssembly heap by owner.', states(heap)),
  ];
}

function states(values: object): [Labels, number][] {
  return Object.entries(values).flatMap(([state, value]): [Labels, number][] =>
    typeof value === 'number' ? [[{ state }, value]] : [],
  );
}
