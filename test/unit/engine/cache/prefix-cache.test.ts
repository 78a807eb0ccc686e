/** @module Trees that share what they have in common, while they are open and afterwards: nothing of it shows in their logits. */
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

/** Few, so that trees often begin alike. */
const token = fc.nat(2);
const operation = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('open' as const), prompt: fc.array(token, { maxLength: 8 }) }),
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
  { weight: 1, arbitrary: fc.record({ do: fc.constant('clear' as const), tree: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('close' as const), tree: fc.nat() }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

const ROOM = 12;

/** A tree with what we hold of it, each as often as we do. */
interface Holder {
  readonly tree: CachedTree;
  held: TreeNode[];
}

describe.each([
  ['int8', ODD_INT8],
  ['int4', ODD_INT4],
])('shared trees in %s', (_, model) => {
  let engine: Engine;
  let plain: Engine;
  const known = new Map<string, Promise<Float32Array>>();

  beforeAll(async () => {
    engine = await loadEngine(model, { maximumBytes: 20 * 2 ** 20, maxRows: 16 });
    plain = await loadEngine(model);
  });
  afterAll(() => {
    engine.release();
    plain.release();
  });

  /** What the path's last token has in a tree of its own. */
  function logitsAfter(path: readonly number[]): Promise<Float32Array> {
    const key = path.join();
    const made = known.get(key) ?? sequenceLogits(plain, path).then((rows) => rows.at(-1) as Float32Array);
    known.set(key, made);
    return made;
  }

  async function evaluate({ tree, held }: Holder): Promise<void> {
    const path = held.flatMap((node) => ancestry(node));
    const nodes = [...new Set(path)].sort((a, b) => a.position - b.position);
    const rows = nodes.map((node) => ({ node, logits: new Float32Array(engine.vocabSize) }));
    await tree.evaluate(rows);
    for (const { node, logits } of rows) {
      expect(logits).toEqual(await logitsAfter(ancestry(node).map(({ token: one }) => one)));
    }
  }

  async function perform(operations: readonly Operation[], spare: number): Promise<void> {
    const { maximum } = engine.status.slots;
    const filler = engine.open(maximum - spare);
    // So what is kept has to go again and again.
    for (let i = 0; i < maximum - spare; i++) filler.append(null, 0);
    const holders: Holder[] = [];
    const waiting: Promise<void>[] = [];
    for (const one of operations) {
      if (one.do === 'open') {
        try {
          holders.push({ tree: engine.open(ROOM, { shared: true, prompt: one.prompt }), held: [] });
        } catch (error) {
          expect(error).toBeInstanceOf(SlotsExhaustedError);
        }
        continue;
      }
      const holder = holders[one.tree % Math.max(1, holders.length)];
      if (!holder) continue;
      const { tree, held } = holder;
      if (one.do === 'append') appendOne(holder, one);
      // Some wait for each other, some are in one pass.
      else if (one.do === 'evaluate') waiting.push(evaluate(holder));
      else {
        await Promise.all(waiting.splice(0));
        if (one.do === 'release' && held.length > 0)
          tree.release(...(held.splice(one.pick % held.length, 1) as [TreeNode]));
        if (one.do === 'clear') {
          tree.clear();
          holder.held = [];
        }
        if (one.do === 'close') {
          tree.close();
          holders.splice(holders.indexOf(holder), 1);
        }
      }
      const { reserved, taken, cached, capacity } = engine.status.slots;
      expect(reserved).toBeLessThanOrEqual(maximum);
      expect(taken).toBeLessThanOrEqual(reserved);
      expect(taken + cached).toBeLessThanOrEqual(capacity);
    }
    await Promise.all(waiting);
    for (const { tree } of holders) tree.close();
    filler.close();
    expect(engine.status).toMatchObject({ requests: 0, waitingRows: 0, slots: { reserved: 0, taken: 0 } });
  }

  function appendOne({ tree, held }: Holder, { pick, token: one }: { pick: number; token: number }): void {
    const parent = pick % 4 === 0 ? null : (held[pick % Math.max(1, held.length)] ?? null);
    try {
      held.push(tree.append(parent, one));
    } catch (error) {
      expect((error as Error).message).toContain('all that were reserved');
    }
  }

  it('give the same logits as trees of their own, whatever they share and however little room there is', async () => {
    const operations = fc.array(operation, { minLength: 20, maxLength: 120 });
    await fc.assert(fc.asyncProperty(operations, fc.integer({ min: ROOM, max: 5 * ROOM }), perform), {
      numRuns: 100,
    });
    engine.resetPrefixCache();
    expect(engine.status.slots).toMatchObject({ cached: 0, taken: 0, reserved: 0 });
  });
});

function ancestry(node: TreeNode): TreeNode[] {
  return node.parent ? [...ancestry(node.parent), node] : [node];
}

describe('the prefix cache', () => {
  const PROMPT = [5, 6, 7, 8, 9, 10, 11, 12];
  let engine: Engine;
  const forward = vi.spyOn(Gpt2.prototype, 'forward');
  /** Rows of each pass since the last time. */
  const passes = () => {
    const all = forward.mock.calls.map(([rows]) => rows.length);
    forward.mockClear();
    return all;
  };

  beforeEach(async () => {
    engine = await loadEngine(ODD_INT8, { maximumBytes: 20 * 2 ** 20 });
    forward.mockClear();
  });
  afterEach(() => engine.release());

  /** Computes a prompt, its last token with logits. */
  async function run(tree: CachedTree, prompt: readonly number[]): Promise<TreeNode> {
    const nodes = appendAll(tree, null, prompt);
    const last = nodes.at(-1) as TreeNode;
    await tree.evaluate(
      nodes.map((node) => (node === last ? { node, logits: new Float32Array(307) } : { node })),
    );
    return last;
  }
  async function leave(prompt: readonly number[], shared = true): Promise<void> {
    const tree = engine.open(prompt.length, { shared });
    await run(tree, prompt);
    tree.close();
    passes();
  }

  it('computes of a prompt that was there only the row that is read out', async () => {
    await leave(PROMPT);
    expect(engine.status.slots).toMatchObject({ cached: 8, taken: 0 });
    const tree = engine.open(8, { shared: true, prompt: PROMPT });
    await run(tree, PROMPT);
    expect(passes()).toEqual([1]);
    expect(tree.reused).toBe(7);
  });

  it('computes nothing of a common beginning, and finds it in the middle of another prompt', async () => {
    await leave(PROMPT);
    const other = [...PROMPT.slice(0, 5), 1, 2, 3];
    const tree = engine.open(8, { shared: true, prompt: other });
    await run(tree, other);
    expect(passes()).toEqual([3]);
    expect(tree.reused).toBe(5);
  });

  it('is shared by two that come together, and stays with the second when the first leaves', async () => {
    const [first, second] = [0, 1].map(() => engine.open(8, { shared: true, prompt: PROMPT })) as [
      CachedTree,
      CachedTree,
    ];
    const both = [run(first, PROMPT), run(second, PROMPT)];
    expect(engine.status.slots.taken).toBe(8);
    await Promise.all(both);
    expect(passes()).toEqual([8]);
    const alone = engine.open(8, { shared: true, prompt: PROMPT });
    const computing = run(alone, PROMPT);
    first.close();
    second.close();
    await computing;
    expect(passes()).toEqual([1]);
  });

  it('goes on with the second where the first leaves before its pass', async () => {
    const [first, second] = [0, 1].map(() => engine.open(9, { shared: true, prompt: PROMPT })) as [
      CachedTree,
      CachedTree,
    ];
    const gone = run(first, PROMPT).catch((error: Error) => error.message);
    const last = run(second, PROMPT);
    first.close();
    expect(await gone).toBe('the tree is closed');
    const node = second.append(await last, 20);
    const [row] = await logitsOf(engine, second, [node]);
    expect(row).toEqual((await sequenceLogits(engine, [...PROMPT, 20])).at(-1));
  });

  it('neither gives to nor takes from who does not want it', async () => {
    await leave(PROMPT, false);
    expect(engine.status.slots.cached).toBe(0);
    await leave(PROMPT);
    const tree = engine.open(8);
    await run(tree, PROMPT);
    expect(passes()).toEqual([8]);
    expect(tree.reused).toBe(0);
    tree.close();
    expect(engine.status.slots.cached).toBe(8);
  });

  it('needs no room for what is there', async () => {
    await leave(PROMPT);
    const { maximum } = engine.status.slots;
    engine.open(maximum - 9);
    expect(() => engine.open(10, { shared: true, prompt: [1] })).toThrow(SlotsExhaustedError);
    // Eight were kept and must stay from now on.
    expect(() => engine.open(10, { shared: true, prompt: PROMPT })).toThrow(SlotsExhaustedError);
    const first = engine.open(9, { shared: true, prompt: PROMPT });
    first.close();
    const holder = engine.open(8, { shared: true, prompt: PROMPT });
    // Now they are there without it.
    const second = engine.open(9, { shared: true, prompt: PROMPT });
    expect(engine.status.slots.reserved).toBe(maximum);
    holder.close();
    const node = second.append(await run(second, PROMPT), 1);
    await second.evaluate([{ node }]);
    expect(() => second.append(node, 1)).toThrow('all that were reserved');
    expect(() => engine.open(maximum + 1, { shared: true, prompt: PROMPT })).toThrow(SlotsExhaustedError);
  });

  it('forgets first what was used longest ago, its end before its beginning', async () => {
    const prompts = [1, 2, 3].map((first) => [first, 5, 6, 7]);
    for (const prompt of prompts) await leave(prompt);
    await leave(prompts[0] as number[]);
    const { maximum } = engine.status.slots;
    const filler = engine.open(maximum);
    for (let i = 0; i < maximum - 6; i++) filler.append(null, 0);
    filler.close();
    const left = prompts.map((prompt) => {
      const { reserved } = engine.status.slots;
      const tree = engine.open(4, { shared: true, prompt });
      const { taken } = engine.status.slots;
      tree.close();
      expect(engine.status.slots.reserved).toBe(reserved);
      return taken;
    });
    expect(left).toEqual([4, 0, 2]);
  });

  it('keeps what was generated for who goes on from there', async () => {
    const tree = engine.open(10, { shared: true, prompt: PROMPT });
    let last = await run(tree, PROMPT);
    for (const one of [20, 21]) {
      const next = tree.append(last, one);
      await tree.evaluate([{ node: next, logits: new Float32Array(307) }]);
      tree.release(last);
      last = next;
    }
    tree.close();
    passes();
    const longer = [...PROMPT, 20, 21, 22];
    const second = engine.open(11, { shared: true, prompt: longer });
    await run(second, longer);
    expect(passes()).toEqual([1]);
  });

  it('computes once what two branches of a tree have in common', async () => {
    const tree = engine.open(12, { shared: true, prompt: PROMPT });
    const last = await run(tree, PROMPT);
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
