/** @module Rows that requests read in the heap, alone and beside rows that are copied. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LogitsRow } from '../../../../decoding/interface/logits-row.ts';
import { argmax } from '../../../../decoding/math/sample-token.ts';
import { softmaxWeights } from '../../../../decoding/math/softmax.ts';
import type { Engine } from '../../../../engine/engine.ts';
import { loadEngine } from '../../../../engine/node/load-engine.ts';
import { ODD_F32, ODD_INT4, ODD_INT8 } from '../../../support/models.ts';

const shared = { shared: true };

/** All that a row tells, while it can be read. */
function contents(row: LogitsRow) {
  const best = row.kthLargest(1);
  const { tokens, logits } = row.atLeast(row.kthLargest(5)) ?? { tokens: [], logits: [] };
  return {
    values: row.values.slice(),
    best: row.indexOf(best),
    normalizer: row.normalizer(1),
    five: Array.from(tokens, (token, i) => [token, logits[i]]),
  };
}

describe.each([
  ['f32', ODD_F32],
  ['int8', ODD_INT8],
  ['int4', ODD_INT4],
])('a row that is read in the heap, %s', (_, model) => {
  let engine: Engine;
  beforeEach(async () => {
    engine = await loadEngine(model);
  });
  afterEach(() => engine.release());

  it('is the one that another request copies in the same pass', async () => {
    const [copying, reading] = [engine.open(3, shared), engine.open(3, shared)];
    const logits = new Float32Array(engine.vocabSize);
    const read: ReturnType<typeof contents>[] = [];
    const both = (tree: typeof copying) => [tree.append(null, 7), tree.append(null, 8)] as const;
    const [a, b] = both(copying);
    const [sameA, sameB] = both(reading);
    const before = engine.passCounts.rows;
    await Promise.all([
      copying.evaluate([{ node: a, logits }, { node: b }]),
      reading.evaluate([
        { node: sameA, read: (row) => read.push(contents(row)) },
        { node: sameB, read: (row) => read.push(contents(row)) },
      ]),
    ]);
    expect(engine.passCounts.rows - before).toBe(2);
    const [first, second] = read;
    expect(first?.values).toEqual(logits);
    expect(first?.best).toBe(argmax(logits));
    expect(first?.normalizer).toEqual(softmaxWeights(logits, new Float64Array(logits.length)));
    const fifth = logits.toSorted().at(-5) as number;
    expect(first?.five).toEqual(Array.from(logits.entries()).filter(([, logit]) => logit >= fifth));
    expect(second?.values).not.toEqual(logits);
  });

  it('fails only the request whose reader throws', async () => {
    const [failing, other] = [engine.open(1), engine.open(1)];
    const logits = new Float32Array(engine.vocabSize);
    const results = await Promise.allSettled([
      failing.evaluate([
        {
          node: failing.append(null, 1),
          read() {
            throw new RangeError('a reader threw');
          },
        },
      ]),
      other.evaluate([{ node: other.append(null, 1), logits }]),
    ]);
    expect(results).toMatchObject([
      { status: 'rejected', reason: new RangeError('a reader threw') },
      { status: 'fulfilled' },
    ]);
    expect(logits.some((logit) => logit !== 0)).toBe(true);
    expect(engine.broken).toBe(false);
  });
});
