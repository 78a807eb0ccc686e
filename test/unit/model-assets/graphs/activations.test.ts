/** @module Activations in onnxruntime: the memory they need, and that a value depends on itself alone. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { startOrt } from '../../../../engine/node/load-engine.ts';
import type { Ort } from '../../../../engine/runtime/ort.ts';
import { ScopedAllocations } from '../../../../engine/runtime/scoped-allocations.ts';
import {
  ACTIVATION_FUNCTIONS,
  activationIntermediates,
} from '../../../../model-assets/format/activations.ts';
import { activation } from '../../../../model-assets/graphs/activations.ts';
import { Graph } from '../../../../model-assets/graphs/onnx.ts';

type Name = (typeof ACTIVATION_FUNCTIONS)[number];

function graphOf(name: Name): Uint8Array {
  const graph = new Graph('activation');
  const x = graph.input('x', 'float32', ['rows', 'width']);
  graph.output('y', activation(graph, x, name), 'float32', ['rows', 'width']);
  return graph.encode();
}

/** @param rows of equal length */
function run(ort: Ort, name: Name, rows: readonly Float32Array[], width: number): Float32Array[] {
  const session = ort.createSession(graphOf(name));
  const scratch = new ScopedAllocations(ort);
  try {
    const [x, y] = [
      scratch.tensor('float32', [rows.length, width]),
      scratch.tensor('float32', [rows.length, width]),
    ];
    for (const [i, row] of rows.entries()) ort.heap.floats(x.pointer + 4 * i * width, width).set(row);
    session.run({ x }, { y });
    return rows.map((_, i) => ort.heap.floats(y.pointer + 4 * i * width, width).slice());
  } finally {
    scratch.release();
    session.release();
  }
}

it('needs the intermediate results that the plan of the heap expects', async () => {
  const width = 2 ** 20;
  const shared = await startOrt();
  for (const name of ACTIVATION_FUNCTIONS) {
    const intermediates = activationIntermediates({ activation_function: name });
    // A heap never shrinks, so each growth needs a heap of its own.
    const ort = intermediates === 0 ? shared : await startOrt();
    const scratch = new ScopedAllocations(ort);
    scratch.tensor('float32', [2, width]);
    scratch.release();
    const before = ort.heap.account.size;
    run(ort, name, [new Float32Array(width)], width);
    expect([name, Math.round((ort.heap.account.size - before) / width / 4)]).toEqual([name, intermediates]);
  }
});

it('gives a value the same bits in any row and column', async () => {
  const ort = await startOrt();
  const values = fc.array(fc.float({ min: -50, max: 50, noNaN: true }), { minLength: 1, maxLength: 70 });
  fc.assert(
    fc.property(fc.constantFrom(...ACTIVATION_FUNCTIONS), values, (name, list) => {
      const x = Float32Array.from(list);
      const [alone] = run(ort, name, [x], x.length);
      const shifted = Float32Array.of(1, ...x);
      for (const row of run(ort, name, Array<Float32Array>(7).fill(shifted), shifted.length)) {
        expect(row.subarray(1)).toEqual(alone);
      }
    }),
    { numRuns: 120 },
  );
});
