/** @module The usual layout, run through the public API of onnxruntime-web on one thread. */
import { InferenceSession, Tensor } from 'onnxruntime-web/wasm';
import type { ModelConfig } from '../model-assets/format/manifest.ts';
import { PAST, PROMPT, type Side, syntheticToken } from './side.ts';
import { EMBEDDING_FILE, WEIGHTS_FILE } from './usual-graph.ts';

export interface UsualModel {
  readonly config: ModelConfig;
  readonly graph: Uint8Array;
  readonly weights: Uint8Array;
  readonly embedding: Uint8Array;
}

/** @param discard frees a step's tensors after its timing, for a runtime that collects garbage too late */
export async function usualSide(
  { config, graph, weights, embedding }: UsualModel,
  discard: (tensors: readonly Tensor[]) => void = () => {},
): Promise<Side> {
  const memory = watchMemory();
  const session = await InferenceSession.create(graph, {
    executionProviders: ['wasm'],
    graphOptimizationLevel: 'all',
    externalData: [
      { path: WEIGHTS_FILE, data: weights },
      { path: EMBEDDING_FILE, data: embedding },
    ],
  });
  memory.stop();
  /** The inputs of a step, cached: their construction is not part of the measured work. */
  let feeds: { readonly rows: number; readonly inputs: InferenceSession.FeedsType } | undefined;

  async function pastFeeds(rows: number): Promise<InferenceSession.FeedsType> {
    if (feeds?.rows === rows) return feeds.inputs;
    // edgebeam computes its past as well; so the first step finds both sides equally warm.
    if (!feeds) discard(Object.values(await session.run(makeFeeds(config, 1, PAST, 0))));
    const inputs = makeFeeds(config, rows, 1, PAST);
    feeds = { rows, inputs };
    return inputs;
  }

  return {
    async prefill() {
      feeds = undefined;
      const inputs = makeFeeds(config, 1, PROMPT, 0);
      const begin = performance.now();
      const outputs = await session.run(inputs);
      const run = performance.now() - begin;
      discard(Object.values(outputs));
      return { run, reorder: 0 };
    },

    async step(rows) {
      const inputs = await pastFeeds(rows);
      const begin = performance.now();
      const outputs = await session.run(inputs);
      const runEnd = performance.now();
      const pasts = rows > 1 ? reorder(outputs, rows) : [];
      const timing = { run: runEnd - begin, reorder: performance.now() - runEnd };
      discard([...Object.values(outputs), ...pasts]);
      return timing;
    },

    heapBytes: memory.bytes,
  };
}

/** Captures onnxruntime's memory at its construction: the public API does not expose it. */
function watchMemory(): { bytes(): number; stop(): void } {
  const { Memory } = WebAssembly;
  let captured: WebAssembly.Memory | undefined;
  WebAssembly.Memory = class extends Memory {
    constructor(descriptor: WebAssembly.MemoryDescriptor) {
      super(descriptor);
      captured = this;
    }
  };
  return {
    bytes: () => captured?.buffer.byteLength ?? 0,
    stop() {
      WebAssembly.Memory = Memory;
    },
  };
}

function makeFeeds(
  config: ModelConfig,
  rows: number,
  tokens: number,
  past: number,
): InferenceSession.FeedsType {
  const ids = BigInt64Array.from({ length: rows * tokens }, (_, i) => BigInt(syntheticToken(i)));
  const positions = BigInt64Array.from({ length: rows * tokens }, (_, i) => BigInt(past + (i % tokens)));
  const feeds: Record<string, Tensor> = {
    input_ids: new Tensor('int64', ids, [rows, tokens]),
    position_ids: new Tensor('int64', positions, [rows, tokens]),
    attention_mask: new Tensor('float32', causalMask(tokens, past), [tokens, past + tokens]),
  };
  const shape = [rows, config.n_head, past, config.n_embd / config.n_head];
  const size = shape.reduce((product, n) => product * n);
  for (let layer = 0; layer < config.n_layer; layer++) {
    for (const name of ['key', 'value']) {
      // The values do not affect the time, unless they are denormal.
      feeds[`past.${layer}.${name}`] = new Tensor('float32', new Float32Array(size).fill(0.01), shape);
    }
  }
  return feeds;
}

function causalMask(tokens: number, past: number): Float32Array {
  const total = past + tokens;
  return Float32Array.from({ length: tokens * total }, (_, i) =>
    i % total > past + Math.floor(i / total) ? Number.NEGATIVE_INFINITY : 0,
  );
}

/** A beam search's reordering after each step: each beam continues from its parent's `present` tensors. */
function reorder(outputs: InferenceSession.ReturnType, rows: number): Tensor[] {
  const parentOf = (row: number) => (row + 1) % rows;
  return Object.entries(outputs)
    .filter(([name]) => name.startsWith('present.'))
    .map(([, present]) => {
      const from = present.data as Float32Array;
      const size = from.length / rows;
      const to = new Float32Array(from.length);
      for (let row = 0; row < rows; row++) {
        to.set(from.subarray(parentOf(row) * size, (parentOf(row) + 1) * size), row * size);
      }
      return new Tensor('float32', to, present.dims);
    });
}
