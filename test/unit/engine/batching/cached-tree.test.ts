/**
 * @module Trees against the plainest way to the same logits: one pass over the whole path, in a model of its own.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TokenTree, TreeNode } from '../../../../decoding/interface/token-tree.ts';
import type { Engine } from '../../../../engine/engine.ts';
import { loadEngine } from '../../../../engine/node/load-engine.ts';
import { ODD_F32, ODD_INT4, ODD_INT8 } from '../../../support/models.ts';
import { appendAll, largestDifference, logitsOf, sequenceLogits } from '../../../support/rows.ts';

const VOCABULARY = 307;
const CONTEXT = 96;
const token = fc.nat(VOCABULARY - 1);
const tokens = (minLength: number, maxLength: number) => fc.array(token, { minLength, maxLength });

/** What is done to a tree; `pick` chooses among what there is at that moment. */
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('append' as const), pick: fc.nat(), token }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('evaluate' as const), pick: fc.nat() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('release' as const), pick: fc.nat() }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

interface Evaluated {
  readonly path: readonly number[];
  readonly logits: Float32Array;
}

const ROOM = 30;

/** Does the steps that make sense to a tree of `ROOM` nodes. */
async function perform(tree: TokenTree, steps: readonly Step[], vocabSize: number): Promise<Evaluated[]> {
  const evaluated: Evaluated[] = [];
  /** Nodes that we hold, and those that hold them, by how many. */
  const held: TreeNode[] = [];
  const holders = new Map<TreeNode, number>();
  let waiting: TreeNode[] = [];
  const choose = <T>(from: readonly T[], pick: number): T | undefined => from[pick % from.length];

  const append = (pick: number, token: number) => {
    // One in a few is a first token.
    const parent = pick % 5 === 0 ? null : (choose(held, pick) ?? null);
    if (holders.size === ROOM || (parent && parent.position === CONTEXT - 1)) return;
    const node = tree.append(parent, token);
    held.push(node);
    waiting.push(node);
    holders.set(node, 1);
    if (parent) holders.set(parent, (holders.get(parent) as number) + 1);
  };
  const evaluate = async (pick: number) => {
    const batch = waiting.slice(0, 1 + (pick % Math.max(1, waiting.length)));
    waiting = waiting.slice(batch.length);
    const rows = batch.map((node) => ({ node, logits: new Float32Array(vocabSize) }));
    await tree.evaluate(rows);
    for (const { node, logits } of rows) evaluated.push({ path: pathOf(node), logits });
  };
  const release = (pick: number) => {
    const node = choose(held, pick);
    if (!node) return;
    held.splice(held.indexOf(node), 1);
    tree.release(node);
    for (let at: TreeNode | null = node; at; at = at.parent) {
      const left = (holders.get(at) as number) - 1;
      holders.set(at, left);
      if (left > 0) break;
      holders.delete(at);
    }
    waiting = waiting.filter((one) => holders.has(one));
  };

  for (const one of steps) {
    if (one.do === 'append') append(one.pick, one.token);
    else if (one.do === 'evaluate') await evaluate(one.pick);
    else release(one.pick);
  }
  if (waiting.length > 0) await evaluate(waiting.length - 1);
  return evaluated;
}

function pathOf(node: TreeNode | null): number[] {
  return node ? [...pathOf(node.parent), node.token] : [];
}

describe.each([
  { precision: 'f32', model: ODD_F32, rounding: 1e-5 },
  { precision: 'int4', model: ODD_INT4, rounding: 0 },
  { precision: 'int8', model: ODD_INT8, rounding: 0 },
])('a tree in $precision', ({ model, rounding }) => {
  let engine: Engine;
  let plain: Engine;
  beforeAll(async () => {
    engine = await loadEngine(model);
    plain = await loadEngine(model);
  });
  afterAll(() => {
    engine.release();
    plain.release();
  });

  async function expectPlain({ path, logits }: Evaluated): Promise<void> {
    const expected = (await sequenceLogits(plain, path)).at(-1) as Float32Array;
    expect(largestDifference(expected, logits)).toBeLessThanOrEqual(rounding);
  }

  it('gives what a plain pass gives, whatever is appended, evaluated and released in it and beside it', async () => {
    const steps = fc.array(step, { minLength: 10, maxLength: 80 });
    const check = async (programs: Step[][]) => {
      const trees = programs.map(() => engine.open(ROOM));
      const results = await Promise.all(
        trees.map((tree, i) => perform(tree, programs[i] as Step[], engine.vocabSize)),
      );
      for (const tree of trees) tree.close();
      for (const evaluated of results.flat()) await expectPlain(evaluated);
    };
    const programs = fc.array(steps, { minLength: 1, maxLength: 3 });
    await fc.assert(fc.asyncProperty(programs, check), { numRuns: 15 });
    expect(engine.status).toMatchObject({ slots: { reserved: 0, taken: 0 }, requests: 0, waitingRows: 0 });
  });

  it.each([1, 3, 64])('gives the same for passes of at most %i rows', async (maxRows) => {
    const chunked = await loadEngine(model, { maxRows });
    const prompt = Array.from({ length: CONTEXT }, (_, i) => (i * 31) % VOCABULARY);
    const expected = await sequenceLogits(plain, prompt);
    const found = await sequenceLogits(chunked, prompt);
    expect(found).toHaveLength(CONTEXT);
    for (const [i, row] of found.entries()) {
      expect(largestDifference(expected[i] as Float32Array, row)).toBeLessThanOrEqual(rounding);
    }
    chunked.release();
  });

  it('forks into what separate trees give', async () => {
    const check = async (prompt: number[], forks: number[][]) => {
      const tree = engine.open(prompt.length + forks.flat().length);
      const trunk = appendAll(tree, null, prompt);
      await tree.evaluate(trunk.map((node) => ({ node })));
      const ends = forks.map((fork) => appendAll(tree, trunk.at(-1) ?? null, fork));
      const logits = await logitsOf(engine, tree, ends.flat());
      tree.close();
      const paths = forks.flatMap((fork) => fork.map((_, i) => [...prompt, ...fork.slice(0, i + 1)]));
      for (const [i, path] of paths.entries()) await expectPlain({ path, logits: logits[i] as Float32Array });
    };
    const forks = fc.array(tokens(1, 6), { minLength: 2, maxLength: 5 });
    await fc.assert(fc.asyncProperty(tokens(1, 40), forks, check), { numRuns: 15 });
  });

  it('uses freed slots again, and nothing is left of what was in them', async () => {
    const prompt = Array.from({ length: 30 }, (_, i) => (i * 17) % VOCABULARY);
    for (const junk of [0, 5, VOCABULARY - 1]) {
      const { capacity } = engine.status.slots;
      const filler = engine.open(capacity);
      await filler.evaluate(Array.from({ length: capacity }, () => ({ node: filler.append(null, junk) })));
      expect(engine.status.slots.taken).toBe(capacity);
      filler.close();
      const tree = engine.open(capacity);
      const logits = await logitsOf(engine, tree, appendAll(tree, null, prompt));
      tree.close();
      await expectPlain({ path: prompt, logits: logits.at(-1) as Float32Array });
      expect(engine.status.slots.capacity).toBe(capacity);
    }
  });

  it('frees a branch up to the first ancestor that is still held', async () => {
    const tree = engine.open(6);
    const [first, second] = appendAll(tree, null, [1, 2]) as [TreeNode, TreeNode];
    const left = appendAll(tree, second, [3, 4]);
    const right = appendAll(tree, second, [5, 6]);
    const taken = () => engine.status.slots.taken;
    for (const node of [first, second, left[0], right[0]]) tree.release(node as TreeNode);
    expect(taken()).toBe(6);
    tree.release(left[1] as TreeNode);
    expect(taken()).toBe(4);
    tree.release(right[1] as TreeNode);
    expect(taken()).toBe(0);
    tree.close();
  });
});

describe('a tree refuses', () => {
  let engine: Engine;
  let tree: TokenTree;
  beforeAll(async () => {
    engine = await loadEngine(ODD_INT8);
    tree = engine.open(CONTEXT + 1);
  });
  afterAll(() => engine.release());

  it.each([-1, VOCABULARY, 1.5, Number.NaN])('token %d', (bad) => {
    expect(() => tree.append(null, bad)).toThrow(
      new RangeError(`token ${bad} is outside the vocabulary of ${VOCABULARY}`),
    );
  });

  it('a position outside the context', () => {
    const nodes = appendAll(tree, null, Array(CONTEXT).fill(1));
    expect(() => tree.append(nodes.at(-1) as TreeNode, 1)).toThrow(
      new RangeError(`position ${CONTEXT} is outside the context of ${CONTEXT} tokens`),
    );
    for (const node of nodes) tree.release(node);
  });

  it('more nodes at one time than were reserved', () => {
    const small = engine.open(2);
    const nodes = appendAll(small, null, [1, 2]);
    expect(() => small.append(null, 3)).toThrow(/^the tree holds 2 nodes already, all that were reserved/);
    for (const node of nodes) small.release(node);
    expect(small.append(null, 3).position).toBe(0);
    small.close();
  });

  it('a node of another tree, and one that is gone', async () => {
    const other = engine.open(1);
    const node = other.append(null, 1);
    const message = 'the node is not, or no longer, one of this tree';
    expect(() => tree.append(node, 2)).toThrow(message);
    await expect(tree.evaluate([{ node }])).rejects.toThrow(message);
    other.release(node);
    expect(() => other.release(node)).toThrow(message);
    other.close();
  });

  it('to evaluate a node before its parent', async () => {
    const [parent, child] = appendAll(tree, null, [1, 2]) as [TreeNode, TreeNode];
    await expect(tree.evaluate([{ node: child }])).rejects.toThrow('a node is evaluated after its parent');
    await expect(tree.evaluate([{ node: child }, { node: parent }])).rejects.toThrow('after its parent');
    await tree.evaluate([{ node: parent }]);
    await tree.evaluate([{ node: child }]);
  });

  it('anything after it was closed, but to be closed again or to release a node', async () => {
    const closed = engine.open(2);
    const node = closed.append(null, 1);
    closed.close();
    expect(() => closed.append(null, 1)).toThrow('the tree is closed');
    await expect(closed.evaluate([{ node }])).rejects.toThrow('the tree is closed');
    closed.release(node);
    closed.close();
  });
});
