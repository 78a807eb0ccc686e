/** @module The norms of several rows, against onnxruntime's LayerNormalization, bit for bit. */
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wasmPath } from '../../../../engine/kernels/build.ts';
import { type LinearKernels, NORM_ROWS } from '../../../../engine/kernels/linear.ts';
import { startOrt } from '../../../../engine/node/load-engine.ts';
import type { Ort } from '../../../../engine/runtime/ort.ts';
import { createSessions, type Session } from '../../../../engine/runtime/session.ts';
import { readConfig } from '../../../../model-assets/checkpoint/config.ts';
import { folderMetadata } from '../../../../model-assets/checkpoint/interface/metadata.ts';
import { DEFAULT_CHECKPOINT } from '../../../../model-assets/ensure.ts';
import { buildQuantizedGraphs } from '../../../../model-assets/graphs/quantized.ts';
import { KernelHeap } from '../../../support/kernel-heap.ts';
import { mulberry32 } from '../../../support/plain-rows.ts';

const WIDTHS = [5, 32, 50, 768];
const EPSILON = 1e-5;

const heap = new KernelHeap();
let ort: Ort;
const sessions = new Map<number, Readonly<Record<'norm' | 'residual_norm', Session>>>();

beforeAll(async () => {
  ort = await startOrt();
  const config = await readConfig(folderMetadata(DEFAULT_CHECKPOINT));
  for (const n_embd of WIDTHS) {
    const { norm, residual_norm } = buildQuantizedGraphs({ ...config, n_embd, layer_norm_epsilon: EPSILON });
    sessions.set(n_embd, createSessions(ort, { norm, residual_norm }));
  }
});
afterAll(() => {
  for (const { norm, residual_norm } of sessions.values()) {
    norm.release();
    residual_norm.release();
  }
});

const cases = fc.record({
  rows: fc.integer({ min: NORM_ROWS, max: 21 }),
  n: fc.constantFrom(...WIDTHS),
  magnitude: fc.constantFrom(1e-20, 1, 100, 1e20),
  seed: fc.nat(),
});

describe.each(['linear-plain', 'linear-relaxed', 'linear-dot'] as const)('norms of %s', (module) => {
  let kernels: LinearKernels;
  beforeAll(async () => {
    const compiled = await WebAssembly.compile(await readFile(wasmPath(module)));
    const { exports } = new WebAssembly.Instance(compiled, { env: { memory: heap.memory } });
    kernels = exports as unknown as LinearKernels;
  });

  it("equal onnxruntime's, and write nothing else", () => {
    fc.assert(
      fc.property(cases, ({ rows, n, magnitude, seed }) => {
        const random = mulberry32(seed);
        const values = (length: number, scale: number) =>
          Float32Array.from({ length }, () => (random() * 2 - 1) * scale);
        const hidden = values(rows * n, magnitude);
        const added = values(rows * n, magnitude);
        const weight = values(n, 2);
        const bias = values(n, 2);
        const expected = runOnnx({ hidden, added, weight, bias }, rows, n);

        heap.clear();
        const [h, a, w, b] = [hidden, added, weight, bias].map((input) => heap.input(input)) as Four;
        const sum = heap.output(hidden.byteLength);
        const normal = heap.output(hidden.byteLength);
        heap.checkWrites(() => kernels.residualNorm(h, a, rows, n, w, b, EPSILON, sum, normal));
        expect(heap.floats(sum, rows * n)).toEqual(expected.sum);
        expect(heap.floats(normal, rows * n)).toEqual(expected.normal);
        heap.checkWrites(() => kernels.norm(h, rows, n, w, b, EPSILON, normal));
        expect(heap.floats(normal, rows * n)).toEqual(expected.normalOfHidden);
      }),
      { numRuns: 60 },
    );
  });
});

type Four = [number, number, number, number];

type Inputs = Readonly<Record<'hidden' | 'added' | 'weight' | 'bias', Float32Array>>;

/** Both graphs on the same inputs. */
function runOnnx(inputs: Inputs, rows: number, n: number) {
  const { norm, residual_norm } = sessions.get(n) as NonNullable<ReturnType<typeof sessions.get>>;
  const addresses: number[] = [];
  const placed = (size: number) => {
    const address = ort.heap.allocate(size * 4, 'activations');
    addresses.push(address);
    return { address, tensor: ort.tensor('float32', address, size === n ? [n] : [rows, n]) };
  };
  const all = Object.fromEntries(
    Object.entries(inputs).map(([name, values]) => {
      const { address, tensor } = placed(values.length);
      ort.heap.floats(address, values.length).set(values);
      return [name, tensor];
    }),
  ) as Record<keyof Inputs, ReturnType<Ort['tensor']>>;
  const sum = placed(rows * n);
  const normal = placed(rows * n);
  const read = (address: number) => ort.heap.floats(address, rows * n).slice();
  try {
    residual_norm.run(all, { hidden_out: sum.tensor, normal: normal.tensor });
    const result = { sum: read(sum.address), normal: read(normal.address) };
    const { hidden, weight, bias } = all;
    norm.run({ hidden, weight, bias }, { normal: normal.tensor });
    return { ...result, normalOfHidden: read(normal.address) };
  } finally {
    for (const tensor of [...Object.values(all), sum.tensor, normal.tensor]) ort.releaseTensor(tensor);
    for (const address of addresses) ort.heap.free(address);
  }
}
