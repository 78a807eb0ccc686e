/** @module The figures of a constraint above the texts of the tree, and their words. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  allowedLabels,
  describeAllowed,
  listAllowed,
  nodeAt,
} from '../../../../../worker/page/client/allowed.ts';
import { cellWidth, toVisible } from '../../../../../worker/page/client/numbers.ts';
import { SearchTree, type TreeNode } from '../../../../../worker/page/client/search-tree.ts';

/** A run of tokens, one below the other. */
function run(tokens: readonly (readonly [text: string, allowed: number | undefined])[]): readonly TreeNode[] {
  const tree = new SearchTree();
  for (const [i, [text, allowed]] of tokens.entries()) {
    const beam = { group: 0, index: 0, parent: 0, logprob: -1, score: -1, finished: null };
    tree.addBeams(i + 1, [{ ...beam, text, allowed }]);
  }
  return tree.nodesUpTo(tree.steps);
}

const texts = (tokens: Parameters<typeof run>[0]) => allowedLabels(run(tokens)).map(({ text }) => text);

describe('the figures above a run', () => {
  it('are none without a constraint', () => {
    expect(texts([[' a', undefined]])).toEqual([]);
    expect(listAllowed(run([[' a', undefined]]))).toBe('');
  });

  it('stand where the figure changes', () => {
    expect(
      allowedLabels(
        run([
          ['{"', 12],
          ['name', 1],
          ['":', 1],
          [' Tom', 50_120],
          [' Smith', 50_080],
          ['",', 50_257],
        ]),
      ),
    ).toEqual([
      { text: '12', at: 0 },
      { text: '1', at: 6 },
      { text: '50k', at: 8 },
    ]);
  });

  it('never overlap, and are at the beginnings of tokens', () => {
    const tokens = fc.array(
      fc.tuple(fc.string({ unit: 'grapheme', minLength: 1 }), fc.integer({ min: 1, max: 60_000 })),
    );
    fc.assert(
      fc.property(tokens, (pairs) => {
        const nodes = run(pairs);
        const starts = nodes.map((_, i) =>
          nodes.slice(0, i).reduce((sum, { text }) => sum + cellWidth(toVisible(text)), 0),
        );
        let free = 0;
        for (const { text, at } of allowedLabels(nodes)) {
          expect(text).toMatch(/^\d{1,3}k?$/);
          expect(at).toBeGreaterThanOrEqual(free);
          expect(starts).toContain(at);
          free = at + text.length * 0.75;
        }
        if (nodes.length > 0) expect(allowedLabels(nodes)).not.toEqual([]);
      }),
    );
  });
});

it('the words name the token, and the number of tokens', () => {
  const nodes = run([
    ['{"', 1],
    ['name', 312],
    ['\n', 50_257],
  ]);
  expect(nodes.map(describeAllowed)).toEqual([
    '“{"”: the only token allowed there',
    '“name”: one of 312 tokens allowed there',
    '“↵”: one of 50,257 tokens allowed there',
  ]);
  expect(listAllowed(nodes)).toBe(', tokens allowed: 1 · 312 · 50,257');
});

it('nodeAt finds the token of each character', () => {
  const nodes = run([
    ['ab', 1],
    ['<|endoftext|>', 2],
    ['c', 3],
  ]);
  const found = [0, 1, 2, 6, 7, 8].map((index) => nodeAt(nodes, index)?.allowed);
  expect(found).toEqual([1, 1, 2, 2, 3, undefined]);
});
