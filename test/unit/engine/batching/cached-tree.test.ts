/**
 * @module Trees against a reference: the same logits from one evaluation of the whole path, in a separate
 * engine.
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

/** An operation on a tree; `pick` chooses among the nodes that exist at that moment. */
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

const CAPACITY = 30;

/** Applies the valid steps to a tree of `CAPACITY` nodes. @returns all evaluated logits */
async function perform(tree: TokenTree, steps: readonly Step[], vocabSize: number): Promise<Evaluated[]> {
  const evaluated: Evaluated[] = [];
  /** Nodes that the test retains. */
  const retained: TreeNode[] = [];
  /** Retain counts, by the test and by children. */
  const retainCounts = new Map<TreeNode, number>();
  let unevaluated: TreeNode[] = [];
  const choose = <T>(from: readonly T[], pick: number): T | undefined => from[pick % from.length];

  const append = (pick: number, token: number) => {
    const parent = pick % 5 === 0 ? null : (choose(retained, pick) ?? null);
    if (retainCounts.size === CAPACITY || (parent && parent.position === CONTEXT - 1)) return;
    const node = tree.append(parent, token);
    retained.push(node);
    unevaluated.push(node);
    retainCounts.set(node, 1);
    if (parent) retainCounts.set(parent, (retainCounts.get(parent) as number) + 1);
  };
  const evaluate = async (pick: number) => {
    const batch = unevaluated.slice(0, 1 + (pick % Math.max(1, unevaluated.length)));
    unevaluated = unevaluated.slice(batch.length);
    const rows = batch.map((node) => ({ node, logits: new Float32Array(vocabSize) }));
    await tree.evaluate(rows);
    for (const { node, logits } of rows) evaluated.push({ path: pathOf(node), logits });
  };
  const release = (pick: number) => {
    const node = choose(retained, pick);
    if (!node) return;
    retained.splice(retained.indexOf(node), 1);
    tree.release(node);
    for (let current: TreeNode | null = node; current; current = current.parent) {
      const count = (retainCounts.get(current) as number) - 1;
      retainCounts.set(current, count);
      if (count > 0) break;
      retainCounts.delete(current);
    }
    unevaluated = unevaluated.filter((other) => retainCounts.has(other));
  };

  for (const step of steps) {
    if (step.do === 'append') append(step.pick, step.token);
    else if (step.do === 'evaluate') await evaluate(step.pick);
    else release(step.pick);
  }
  if (unevaluated.length > 0) await evaluate(unevaluated.length - 1);
  return evaluated;
}

function pathOf(node: TreeNode | null): number[] {
  return node ? [...pathOf(node.parent), node.token] : [];
}

describe.each([
  { precision: 'f32', model: ODD_F32, tolerance: 1e-5 },
  { precision: 'int4', model: ODD_INT4, tolerance: 0 },
  { precision: 'int8', model: ODD_INT8, tolerance: 0 },
])('a tree in $precision', ({ model, tolerance }) => {
  let engine: Engine;
  let reference: Engine;
  beforeAll(async () => {
    engine = await loadEngine(model);
    reference = await loadEngine(model);
  });
  afterAll(() => {
    engine.release();
    reference.release();
  });

  async function expectReference({ path, logits }: Evaluated): Promise<void> {
    const expected = (await sequenceLogits(reference, path)).at(-1) as Float32Array;
    expect(largestDifference(expected, logits)).toBeLessThanOrEqual(tolerance);
  }

  it('gives the logits of the reference while trees append, evaluate and release concurrently', async () => {
    const steps = fc.array(step, { minLength: 10, maxLength: 80 });
    const check = async (programs: Step[][]) => {
      const trees = programs.map(() => engine.open(CAPACITY));
      const results = await Promise.all(
        trees.map((tree, i) => perform(tree, programs[i] as Step[], engine.vocabSize)),
      );
      for (const tree of trees) tree.close();
      for (const evaluated of results.flat()) await expectReference(evaluated);
    };
    const programs = fc.array(steps, { minLength: 1, maxLength: 3 });
    await fc.assert(fc.asyncProperty(programs, check), { numRuns: 15 });
    expect(engine.status).toMatchObject({ slots: { reserved: 0, taken: 0 }, requests: 0, waitingRows: 0 });
  });

  it.each([1, 3, 64])('gives the same logits with passes of at most %i rows', async (maxRows) => {
    const chunked = await loadEngine(model, { maxRows });
    const prompt = Array.from({ length: CONTEXT }, (_, i) => (i * 31) % VOCABULARY);
    const expected = await sequenceLogits(reference, prompt);
    const chunkedLogits = await sequenceLogits(chunked, prompt);
    expect(chunkedLogits).toHaveLength(CONTEXT);
    for (const [i, row] of chunkedLogits.entries()) {
      expect(largestDifference(expected[i] as Float32Array, row)).toBeLessThanOrEqual(tolerance);
    }
    chunked.release();
  });

  it('gives forks the logits of separate trees', async () => {
    const check = async (prompt: number[], forks: number[][]) => {
      const tree = engine.open(prompt.length + forks.flat().length);
      const trunk = appendAll(tree, null, prompt);
      await tree.evaluate(trunk.map((node) => ({ node })));
      const ends = forks.map((fork) => appendAll(tree, trunk.at(-1) ?? null, fork));
      const logits = await logitsOf(engine, tree, ends.flat());
      tree.close();
      const paths = forks.flatMap((fork) => fork.map((_, i) => [...prompt, ...fork.slice(0, i + 1)]));
      for (const [i, path] of paths.entries())
        await expectReference({ path, logits: logits[i] as Float32Array });
    };
    const forks = fc.array(tokens(1, 6), { minLength: 2, maxLength: 5 });
    await fc.assert(fc.asyncProperty(tokens(1, 40), forks, check), { numRuns: 15 });
  });

  it('reuses freed slots without a trace of their previous contents', async () => {
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
      await expectReference({ path: prompt, logits: logits.at(-1) as Float32Array });
      expect(engine.status.slots.capacity).toBe(capacity);
    }
  });

  it('frees a branch up to the first retained ancestor', async () => {
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

describe('a tree rejects', () => {
  let engine: Engine;
  let tree: TokenTree;
  beforeAll(async () => {
    engine = await loadEngine(ODD_INT8);
    tree = engine.open(CONTEXT + 1);
  });
  afterAll(() => engine.release());

  it.each([-1, VOCABULARY, 1.5, Number.NaN])('token %d', (token) => {
    expect(() => tree.append(null, token)).toThrow(
      new RangeError(`token ${token} is outside the vocabulary of ${VOCABULARY}`),
    );
  });

  it('a position outside the context', () => {
    const nodes = appendAll(tree, null, Array(CONTEXT).fill(1));
    expect(() => tree.append(nodes.at(-1) as TreeNode, 1)).toThrow(
      new RangeError(`position ${CONTEXT} is outside the context of ${CONTEXT} tokens`),
    );
    for (const node of nodes) tree.release(node);
  });

  it('more nodes at a time than its capacity', () => {
    const small = engine.open(2);
    const nodes = appendAll(small, null, [1, 2]);
    expect(() => small.append(null, 3)).toThrow(/^the tree holds 2 nodes already, all that were reserved/);
    for (const node of nodes) small.release(node);
    expect(small.append(null, 3).position).toBe(0);
    small.close();
  });

  it('a node of another tree, and a freed node', async () => {
    const other = engine.open(1);
    const node = other.append(null, 1);
    const message = 'the node is not, or no longer, one of this tree';
    expect(() => tree.append(node, 2)).toThrow(message);
    await expect(tree.evaluate([{ node }])).rejects.toThrow(message);
    other.release(node);
    expect(() => other.release(node)).toThrow(message);
    other.close();
  });

  it('the evaluation of a node before its parent', async () => {
    const [parent, child] = appendAll(tree, null, [1, 2]) as [TreeNode, TreeNode];
    await expect(tree.evaluate([{ node: child }])).rejects.toThrow('a node is evaluated after its parent');
    await expect(tree.evaluate([{ node: child }, { node: parent }])).rejects.toThrow('after its parent');
    await tree.evaluate([{ node: parent }]);
    await tree.evaluate([{ node: child }]);
  });

  it('any call after it was closed, except close and release', async () => {
    const closed = engine.open(2);
    const node = closed.append(null, 1);
    closed.close();
    expect(() => closed.append(null, 1)).toThrow('the tree is closed');
    await expect(closed.evaluate([{ node }])).rejects.toThrow('the tree is closed');
    closed.release(node);
    closed.close();
  });
});

it('counts rows that are computed again as none of a cached prompt, and lets them share passes as a prompt', async () => {
  const engine = await loadEngine(ODD_INT8, { maxRows: 32 });
  const tokens = Array.from({ length: 24 }, (_, i) => i);
  /** A trunk with two branches: no chain. */
  const open = () => {
    const tree = engine.open(40, { shared: true });
    const trunk = appendAll(tree, null, tokens);
    const last = trunk.at(-1) as TreeNode;
    return { tree, nodes: [...trunk, ...appendAll(tree, last, [1, 2]), ...appendAll(tree, last, [3, 4])] };
  };
  const stream = engine.open(8);
  let next = stream.append(null, 300);
  const step = async () => {
    await stream.evaluate([{ node: next, logits: new Float32Array(VOCABULARY) }]);
    next = stream.append(next, 301);
  };
  const first = open();
  await Promise.all([
    first.tree.evaluate(
      first.nodes.map((node) => ({ node })),
      'reset',
    ),
    step().then(step),
  ]);
  // Beside a row of the stream, three of the others.
  expect(engine.passCounts.passesByRows).toContainEqual([4, 2]);
  first.tree.close();
  for (const [kind, reused] of [
    ['reset', 0],
    ['prompt', 28],
  ] as const) {
    const { tree, nodes } = open();
    await tree.evaluate(
      nodes.map((node) => ({ node })),
      kind,
    );
    expect(tree.reusedEvaluations).toBe(reused);
    tree.close();
  }
  engine.release();
});
