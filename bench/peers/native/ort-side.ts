/** @module ONNX Runtime as native code, through onnxruntime-node on one thread. */
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { beamSearchSide } from '../beam-search-side.ts';
import { BEAM_SEARCH_FILE, EXPORT_FILE } from '../model-files.ts';
import type { PeerModels } from '../models.ts';
import { type Forward, type Generate, type PeerSide, type Reply, stopwatch } from '../protocol.ts';

const OPTIONS: InferenceSession.SessionOptions = {
  executionProviders: ['cpu'],
  executionMode: 'sequential',
  graphOptimizationLevel: 'all',
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
};

/** The operator `BeamSearch`: one call for the whole search. */
export async function loadBeamSearch({ served }: PeerModels): Promise<PeerSide> {
  return beamSearchSide(await InferenceSession.create(join(served, BEAM_SEARCH_FILE), OPTIONS), Tensor);
}

/** The graph that transformers.js runs, in a loop of this file: onnxruntime-node has none. */
export async function loadLoop({ served }: PeerModels): Promise<PeerSide> {
  const session = await InferenceSession.create(join(served, EXPORT_FILE), OPTIONS);
  return {
    perform: (task) => (task.kind === 'generate' ? generate(session, task) : forward(session, task)),
  };
}

async function generate(session: InferenceSession, { prompt, tokens, beams }: Generate): Promise<Reply> {
  if (beams > 1) return { refused: 'has beam search only as the operator `BeamSearch`' };
  const watch = stopwatch();
  const ids: number[] = [];
  let step = { ids: [prompt.ids], cached: 0, past: noPast(session, 1) };
  while (ids.length < tokens) {
    const outputs = await session.run(feeds(step));
    const id = argmax(outputs.logits?.data as Float32Array);
    ids.push(id);
    watch.token();
    step = { ids: [[id]], cached: prompt.ids.length + ids.length - 1, past: toPast(outputs) };
  }
  return { ...watch.timing(tokens), ids };
}

async function forward(session: InferenceSession, { rows, past, times }: Forward): Promise<Reply> {
  const prompts = Array.from({ length: rows }, () => past.ids);
  const outputs = await session.run(feeds({ ids: prompts, cached: 0, past: noPast(session, rows) }));
  const inputs = feeds({
    ids: prompts.map((_, i) => past.ids.slice(i, i + 1)),
    cached: past.ids.length,
    past: toPast(outputs),
  });
  const begin = performance.now();
  for (let i = 0; i < times; i++) await session.run(inputs);
  return { firstMilliseconds: (performance.now() - begin) / times, stepMilliseconds: null };
}

interface Step {
  /** New tokens of each row, all of the same number. */
  readonly ids: readonly (readonly number[])[];
  /** Positions before them. */
  readonly cached: number;
  readonly past: InferenceSession.FeedsType;
}

function feeds({ ids, cached, past }: Step): InferenceSession.FeedsType {
  const [rows, tokens] = [ids.length, ids[0]?.length ?? 0];
  const total = cached + tokens;
  const int64 = (numbers: readonly number[], columns: number) =>
    new Tensor('int64', BigInt64Array.from(numbers, BigInt), [rows, columns]);
  return {
    input_ids: int64(ids.flat(), tokens),
    position_ids: int64(
      ids.flatMap((row) => row.map((_, i) => cached + i)),
      tokens,
    ),
    attention_mask: int64(new Array<number>(rows * total).fill(1), total),
    ...past,
  };
}

/** Keys and values of no tokens. */
function noPast(session: InferenceSession, rows: number): InferenceSession.FeedsType {
  const entries = session.inputMetadata.flatMap((input) => {
    if (!input.isTensor || !input.name.startsWith('past_key_values.')) return [];
    const [, heads, , size] = input.shape;
    return [[input.name, new Tensor('float32', new Float32Array(0), [rows, Number(heads), 0, Number(size)])]];
  });
  return Object.fromEntries(entries);
}

function toPast(outputs: InferenceSession.OnnxValueMapType): InferenceSession.FeedsType {
  const presents = Object.entries(outputs).filter(([name]) => name.startsWith('present.'));
  return Object.fromEntries(
    presents.map(([name, tensor]) => [name.replace('present', 'past_key_values'), tensor]),
  );
}

function argmax(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if ((values[i] as number) > (values[best] as number)) best = i;
  return best;
}
