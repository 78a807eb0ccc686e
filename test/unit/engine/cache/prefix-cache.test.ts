/**
 * @module The prefix cache: shared trees give the logits of separate trees, and compute common prefixes once.
 */
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { TreeNode } from '../../../../decoding/interface/token-tree.ts';
import type { CachedTree } from '../../../../engine/batching/cached-tree.ts';
import { SlotsExhaustedError } from '../../../../engine/cache/errors.ts';
import type { Engine } from '../../../../engine/engine.ts';
import { Gpt2 } from '../../../../engine/model/gpt2.ts';
import { loadEngine } from '../../../../engine/node/load-engine.ts';
import { ODD_INT4, ODD_INT8 } from '../../../support/models.ts';
import { appendAll, logitsOf, sequenceLogits } from '../../../support/rows.ts';

/** Few tokens, so that trees often have a common prefix. */
const token = fc.nat(2);
const operation = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('open' as const),
      prompt: fc.array(token, { maxLength: 8 }),
      partition: fc.constantFrom('', 'a', 'b'),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('append' as const), tree: fc.nat(), pick: fc.nat(), token }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('evaluate' as const), tree: fc.nat() }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('release' as const), tree: fc.nat(), pick: fc.nat() }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reset' as const), tree: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('close' as const), tree: fc.nat() }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('evict' as const), partition: fc.constantFrom('', 'a', 'b') }),
  },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

const CAPACITY = 12;

interface OpenTree {
  readonly tree: CachedTree;
  /** Nodes that the test retains, with repetitions. */
  retained: TreeNode[];
}

describe.each([
  ['int8', ODD_INT8],
  ['int4', ODD_INT4],
])('shared trees in %s', (_, model) => {
  let engine: Engine;
  let reference: Engine;
  const referenceLogits = new Map<string, Promise<Float32Array>>();

  beforeAll(async () => {
    engine = await loadEngine(model, { maximumBytes: 20 * 2 ** 20, maxRows: 16 });
    reference = await loadEngine(model);
  });
  afterAll(() => {
    engine.release();
    reference.release();
  });

  /** Logits of the path's last token, from a tree without sharing. */
  function logitsAfter(path: readonly number[]): Promise<Float32Array> {
    const key = path.join();
    const logits =
      referenceLogits.get(key) ?? sequenceLogits(reference, path).then((rows) => rows.at(-1) as Float32Array);
    referenceLogits.set(key, logits);
    return logits;
  }

  async function evaluate({ tree, retained }: OpenTree): Promise<void> {
    const ancestors = retained.flatMap((node) => pathOf(node));
    const nodes = [...new Set(ancestors)].sort((a, b) => a.position - b.position);
    const rows = nodes.map((node) => ({ node, logits: new Float32Array(engine.vocabSize) }));
    await tree.evaluate(rows);
    for (const { node, logits } of rows) {
      expect(logits).toEqual(await logitsAfter(pathOf(node).map(({ token }) => token)));
    }
  }

  async function perform(operations: readonly Operation[], freeSlots: number): Promise<void> {
    const { maximum } = engine.status.slots;
    const filler = engine.open(maximum - freeSlots);
    // Fills the cache, so that cached nodes are evicted again and again.
    for (let i = 0; i < maximum - freeSlots; i++) filler.append(null, 0);
    const openTrees: OpenTree[] = [];
    const evaluations: Promise<void>[] = [];
    for (const step of operations) {
      if (step.do === 'open') {
        try {
          const { prompt, partition } = step;
          const tree = engine.open(CAPACITY, { shared: true, prompt, partition });
          openTrees.push({ tree, retained: [] });
        } catch (error) {
          expect(error).toBeInstanceOf(SlotsExhaustedError);
        }
        continue;
      }
      if (step.do === 'evict') {
        engine.resetPrefixCache((name) => name === step.partition);
        continue;
      }
      const openTree = openTrees[step.tree % Math.max(1, openTrees.length)];
      if (!openTree) continue;
      const { tree, retained } = openTree;
      if (step.do === 'append') append(openTree, step);
      // Not awaited: some evaluations run concurrently.
      else if (step.do === 'evaluate') evaluations.push(evaluate(openTree));
      else {
        await Promise.all(evaluations.splice(0));
        if (step.do === 'release' && retained.length > 0)
          tree.release(...(retained.splice(step.pick % retained.length, 1) as [TreeNode]));
        if (step.do === 'reset') {
          tree.reset();
          openTree.retained = [];
        }
        if (step.do === 'close') {
          tree.close();
          openTrees.splice(openTrees.indexOf(openTree), 1);
        }
      }
      const { reserved, taken, cached, capacity } = engine.status.slots;
      expect(reserved).toBeLessThanOrEqual(maximum);
      expect(taken).toBeLessThanOrEqual(reserved);
      expect(taken + cached).toBeLessThanOrEqual(capacity);
    }
    await Promise.all(evaluations);
    for (const { tree } of openTrees) tree.close();
    filler.close();
    expect(engine.status).toMatchObject({ requests: 0, waitingRows: 0, slots: { reserved: 0, taken: 0 } });
  }

  function append({ tree, retained }: OpenTree, { pick, token }: { pick: number; token: number }): void {
    const parent = pick % 4 === 0 ? null : (retained[pick % Math.max(1, retained.length)] ?? null);
    try {
      retained.push(tree.append(parent, token));
    } catch (error) {
      expect((error as Error).message).toContain('all that were reserved');
    }
  }

  it('give the logits of separate trees, whatever they share and however few slots are free', async () => {
    const operations = fc.array(operation, { minLength: 20, maxLength: 120 });
    await fc.assert(fc.asyncProperty(operations, fc.integer({ min: CAPACITY, max: 5 * CAPACITY }), perform), {
      numRuns: 100,
    });
    engine.resetPrefixCache();
    expect(engine.status.slots).toMatchObject({ cached: 0, taken: 0, reserved: 0 });
  });
});

function pathOf(node: TreeNode): TreeNode[] {
  return node.parent ? [...pathOf(node.parent), node] : [node];
}

describe('the prefix cache', () => {
  const PROMPT = [5, 6, 7, 8, 9, 10, 11, 12];
  let engine: Engine;
  const forward = vi.spyOn(Gpt2.prototype, 'forward');
  /** Rows of each pass since the last call. */
  const passes = () => {
    const rowCounts = forward.mock.calls.map(([rows]) => rows.length);
    forward.mockClear();
    return rowCounts;
  };

  beforeEach(async () => {
    engine = await loadEngine(ODD_INT8, { maximumBytes: 20 * 2 ** 20 });
    forward.mockClear();
  });
  afterEach(() => engine.release());

  /** Evaluates a prompt, its last token with logits. */
  async function evaluatePrompt(tree: CachedTree, prompt: readonly number[]): Promise<TreeNode> {
    const nodes = appendAll(tree, null, prompt);
    const last = nodes.at(-1) as TreeNode;
    await tree.evaluate(
      nodes.map((node) => (node === last ? { node, logits: new Float32Array(307) } : { node })),
    );
    return last;
  }
  async function cachePrompt(prompt: readonly number[], shared = true): Promise<void> {
    const tree = engine.open(prompt.length, { shared });
    await evaluatePrompt(tree, prompt);
    tree.close();
    passes();
  }

  it('computes only the row with logits of a fully cached prompt', async () => {
    await cachePrompt(PROMPT);
    expect(engine.status.slots).toMatchObject({ cached: 8, taken: 0 });
    const tree = engine.open(8, { shared: true, prompt: PROMPT });
    await evaluatePrompt(tree, PROMPT);
    expect(passes()).toEqual([1]);
    expect(tree.reusedEvaluations).toBe(7);
  });

  it('computes nothing of a common prefix, and finds one that ends inside a cached prompt', async () => {
    await cachePrompt(PROMPT);
    const other = [...PROMPT.slice(0, 5), 1, 2, 3];
    const tree = engine.open(8, { shared: true, prompt: other });
    await evaluatePrompt(tree, other);
    expect(passes()).toEqual([3]);
    expect(tree.reusedEvaluations).toBe(5);
  });

  it('is shared by concurrent trees, and survives when they close', async () => {
    const [first, second] = [0, 1].map(() => engine.open(8, { shared: true, prompt: PROMPT })) as [
      CachedTree,
      CachedTree,
    ];
    const both = [evaluatePrompt(first, PROMPT), evaluatePrompt(second, PROMPT)];
    expect(engine.status.slots.taken).toBe(8);
    await Promise.all(both);
    expect(passes()).toEqual([8]);
    const third = engine.open(8, { shared: true, prompt: PROMPT });
    const evaluation = evaluatePrompt(third, PROMPT);
    first.close();
    second.close();
    await evaluation;
    expect(passes()).toEqual([1]);
  });

  it('computes for the second tree when the first closes before its pass', async () => {
    const [first, second] = [0, 1].map(() => engine.open(9, { shared: true, prompt: PROMPT })) as [
      CachedTree,
      CachedTree,
    ];
    const cancelled = evaluatePrompt(first, PROMPT).catch((error: Error) => error.message);
    const last = evaluatePrompt(second, PROMPT);
    first.close();
    expect(await cancelled).toBe('the tree is closed');
    const node = second.append(await last, 20);
    const [row] = await logitsOf(engine, second, [node]);
    expect(row).toEqual((await sequenceLogits(engine, [...PROMPT, 20])).at(-1));
  });

  it('is neither read nor written by a tree that is not shared', async () => {
    await cachePrompt(PROMPT, false);
    expect(engine.status.slots.cached).toBe(0);
    await cachePrompt(PROMPT);
    const tree = engine.open(8);
    await evaluatePrompt(tree, PROMPT);
    expect(passes()).toEqual([8]);
    expect(tree.reusedEvaluations).toBe(0);
    tree.close();
    expect(engine.status.slots.cached).toBe(8);
  });

  it('finds nothing of another partition, neither cached nor in flight', async () => {
    const open = (partition: string) => engine.open(8, { shared: true, prompt: PROMPT, partition });
    const [first, second, third] = [open('a'), open('b'), open('')];
    const all = [first, second, third].map((tree) => evaluatePrompt(tree, PROMPT));
    expect(engine.status.slots.taken).toBe(3 * 8);
    await Promise.all(all);
    expect(passes()).toEqual([3 * 8]);
    for (const tree of [first, second, third]) {
      expect(tree.reusedEvaluations).toBe(0);
      tree.close();
    }
    const fourth = open('c');
    expect(engine.status.slots).toMatchObject({ taken: 0, cached: 3 * 8 });
    await evaluatePrompt(fourth, PROMPT);
    expect(fourth.reusedEvaluations).toBe(0);
    const again = open('b');
    await evaluatePrompt(again, PROMPT);
    expect(again.reusedEvaluations).toBe(7);
  });

  it('gives the same logits in every partition', async () => {
    const rows: Float32Array[] = [];
    for (const partition of ['a', 'b', 'a']) {
      const tree = engine.open(8, { shared: true, prompt: PROMPT, partition });
      const nodes = appendAll(tree, null, PROMPT);
      const logits = new Float32Array(307);
      await tree.evaluate(nodes.map((node, i) => (i === 7 ? { node, logits } : { node })));
      rows.push(logits);
      tree.close();
    }
    expect(rows[1]).toEqual(rows[0]);
    expect(rows[2]).toEqual(rows[0]);
  });

  it('is evicted by partition, and a partition begins anew after its last token was evicted', async () => {
    const cached = async (partition: string) => {
      const tree = engine.open(8, { shared: true, prompt: PROMPT, partition });
      await evaluatePrompt(tree, PROMPT);
      tree.close();
      return tree.reusedEvaluations;
    };
    expect([await cached('a'), await cached('b')]).toEqual([0, 0]);
    expect(engine.resetPrefixCache((name) => name === 'a')).toBe(8);
    expect(engine.status.slots.cached).toBe(8);
    expect([await cached('a'), await cached('b')]).toEqual([0, 7]);
    expect(engine.resetPrefixCache()).toBe(16);
    expect([await cached('b'), await cached('b')]).toEqual([0, 7]);
  });

  it('is evicted least recently used first, whichever the partition', async () => {
    const { maximum } = engine.status.slots;
    const prompts = [1, 2].map((first) => [first, 5, 6, 7]);
    for (const [i, prompt] of prompts.entries()) {
      const tree = engine.open(4, { shared: true, prompt, partition: `${i}` });
      await evaluatePrompt(tree, prompt);
      tree.close();
    }
    const filler = engine.open(maximum);
    for (let i = 0; i < maximum - 4; i++) filler.append(null, 0);
    filler.close();
    const remaining = prompts.map((prompt, i) => {
      const tree = engine.open(4, { shared: true, prompt, partition: `${i}` });
      const { taken } = engine.status.slots;
      tree.close();
      return taken;
    });
    expect(remaining).toEqual([0, 4]);
  });

  it('needs no reservation for a cached prefix', async () => {
    await cachePrompt(PROMPT);
    const { maximum } = engine.status.slots;
    engine.open(maximum - 9);
    expect(() => engine.open(10, { shared: true, prompt: [1] })).toThrow(SlotsExhaustedError);
    // The eight cached nodes would be pinned, and so reserved.
    expect(() => engine.open(10, { shared: true, prompt: PROMPT })).toThrow(SlotsExhaustedError);
    const first = engine.open(9, { shared: true, prompt: PROMPT });
    first.close();
    const pinning = engine.open(8, { shared: true, prompt: PROMPT });
    // The other tree has reserved them already.
    const second = engine.open(9, { shared: true, prompt: PROMPT });
    expect(engine.status.slots.reserved).toBe(maximum);
    pinning.close();
    const node = second.append(await evaluatePrompt(second, PROMPT), 1);
    await second.evaluate([{ node }]);
    expect(() => second.append(node, 1)).toThrow('all that were reserved');
    expect(() => engine.open(maximum + 1, { shared: true, prompt: PROMPT })).toThrow(SlotsExhaustedError);
  });

  it('evicts the least recently used prompt first, from its end', async () => {
    const prompts = [1, 2, 3].map((first) => [first, 5, 6, 7]);
    for (const prompt of prompts) await cachePrompt(prompt);
    await cachePrompt(prompts[0] as number[]);
    const { maximum } = engine.status.slots;
    const filler = engine.open(maximum);
    for (let i = 0; i < maximum - 6; i++) filler.append(null, 0);
    filler.close();
    const remaining = prompts.map((prompt) => {
      const { reserved } = engine.status.slots;
      const tree = engine.open(4, { shared: true, prompt });
      const { taken } = engine.status.slots;
      tree.close();
      expect(engine.status.slots.reserved).toBe(reserved);
      return taken;
    });
    expect(remaining).toEqual([4, 0, 2]);
  });

  it('caches generated tokens for a later prompt that continues them', async () => {
    const tree = engine.open(10, { shared: true, prompt: PROMPT });
    let last = await evaluatePrompt(tree, PROMPT);
    for (const token of [20, 21]) {
      const next = tree.append(last, token);
      await tree.evaluate([{ node: next, logits: new Float32Array(307) }]);
      tree.release(last);
      last = next;
    }
    tree.close();
    passes();
    const longer = [...PROMPT, 20, 21, 22];
    const second = engine.open(11, { shared: true, prompt: longer });
    await evaluatePrompt(second, longer);
    expect(passes()).toEqual([1]);
  });

  it('computes once a token that two branches of a tree have in common', async () => {
    const tree = engine.open(12, { shared: true, prompt: PROMPT });
    const last = await evaluatePrompt(tree, PROMPT);
    passes();
    const [a, b] = [tree.append(last, 20), tree.append(last, 20)];
    const [rowA, rowB] = await logitsOf(engine, tree, [a, b]);
    expect(passes()).toEqual([1]);
    expect(rowA).toEqual(rowB);
    tree.release(a);
    const next = tree.append(b, 21);
    await tree.evaluate([{ node: next }]);
  });
});
