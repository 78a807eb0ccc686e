/** @module Requests share passes, and the failure of one request leaves the others intact. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { TokenTree, TreeNode } from '../../../../decoding/interface/token-tree.ts';
import type { CachedTree } from '../../../../engine/batching/cached-tree.ts';
import { PassQueue } from '../../../../engine/batching/pass-queue.ts';
import type { CachedNode } from '../../../../engine/cache/radix-tree.ts';
import type { Engine } from '../../../../engine/engine.ts';
import { Gpt2 } from '../../../../engine/model/gpt2.ts';
import { ReadAheadChoice } from '../../../../engine/model/read-ahead.ts';
import { loadEngine, nodePlatform } from '../../../../engine/node/load-engine.ts';
import { OrtError } from '../../../../engine/runtime/errors.ts';
import { ODD_INT8 } from '../../../support/models.ts';
import { appendAll, logitsOf, sequenceLogits } from '../../../support/rows.ts';

const MAX_ROWS = 4;
const PROMPT = [5, 6, 7, 8, 9, 10];

describe('the pass queue', () => {
  let engine: Engine;
  const original = Gpt2.prototype.forward;
  const forward = vi.spyOn(Gpt2.prototype, 'forward');
  /** Rows of each pass so far. */
  const passes = () => forward.mock.calls.map(([rows]) => rows.length);

  beforeEach(async () => {
    engine = await loadEngine(ODD_INT8, { maxRows: MAX_ROWS });
    forward.mockClear();
  });
  afterEach(() => engine.release());

  it('runs the rows of concurrent requests in one pass', async () => {
    const trees = [1, 2, 3].map(() => engine.open(PROMPT.length));
    const logits = await Promise.all(trees.map((tree, i) => logitsOf(engine, tree, [tree.append(null, i)])));
    expect(passes()).toEqual([3]);
    for (const tree of trees) tree.close();
    for (const [i, [row]] of logits.entries()) expect(row).toEqual((await sequenceLogits(engine, [i]))[0]);
  });

  it('fills a pass up to its maximum, and runs the remaining rows in the next', async () => {
    const [long, short] = [engine.open(6), engine.open(1)];
    const waiting = [
      logitsOf(engine, long, appendAll(long, null, PROMPT)),
      logitsOf(engine, short, [short.append(null, 1)]),
    ];
    expect(engine.status.waitingRows).toBe(7);
    await Promise.all(waiting);
    expect(passes()).toEqual([4, 3]);
    expect(engine.status.waitingRows).toBe(0);
  });

  it('runs rows of other requests between the chunks of a long prompt', async () => {
    const [long, short] = [engine.open(20), engine.open(1)];
    const prompt = long.evaluate(appendAll(long, null, Array(20).fill(1)).map((node) => ({ node })));
    await vi.waitUntil(() => passes().length > 0, { interval: 1 });
    const token = short.evaluate([{ node: short.append(null, 1) }]);
    await Promise.all([prompt, token]);
    expect(passes().reduce((sum, rows) => sum + rows)).toBe(21);
    expect(Math.max(...passes())).toBe(MAX_ROWS);
  });

  it('gives the requests of a pass another turn to come back for the next', async () => {
    const STEPS = 20;
    const runSteps = async (token: number, afterStep: () => Promise<void>) => {
      const tree = engine.open(1);
      const node = tree.append(null, token);
      for (let step = 0; step < STEPS; step++) {
        await logitsOf(engine, tree, [node]);
        await afterStep();
      }
      tree.close();
    };
    const waitForSocket = () => nodePlatform.pause();
    await Promise.all([runSteps(1, async () => {}), runSteps(2, waitForSocket), runSteps(3, waitForSocket)]);
    expect(passes()).toEqual(Array(STEPS).fill(3));
  });

  it('drops the queued rows of a closed tree, and no others', async () => {
    const [closing, staying] = [engine.open(2), engine.open(2)];
    const cancelled = closing.evaluate(appendAll(closing, null, [1, 2]).map((node) => ({ node })));
    const remaining = logitsOf(engine, staying, appendAll(staying, null, [3, 4]));
    closing.close();
    await expect(cancelled).rejects.toThrow('the tree is closed');
    const logits = await remaining;
    expect(passes()).toEqual([2]);
    staying.close();
    expect(logits).toEqual(await sequenceLogits(engine, [3, 4]));
    expect(engine.status).toMatchObject({ waitingRows: 0, slots: { taken: 0, reserved: 0 } });
  });

  it('keeps the slot of a released node until its row is computed', async () => {
    const [tree, other] = [engine.open(2), engine.open(2)];
    const node = tree.append(null, 1);
    const first = tree.evaluate([{ node }]);
    tree.release(node);
    expect(engine.status.slots.taken).toBe(1);
    const logits = logitsOf(engine, other, appendAll(other, null, [2, 3]));
    await first;
    expect(engine.status.slots.taken).toBe(2);
    const rows = await logits;
    other.close();
    expect(rows).toEqual(await sequenceLogits(engine, [2, 3]));
  });

  describe('when a pass fails', () => {
    const evaluateAll = (tree: TokenTree, nodes: readonly TreeNode[]) =>
      tree.evaluate(nodes.map((node) => ({ node })));
    /** Makes every pass with a row of this token fail. @returns a function that stops this */
    const failFor = (token: number) => {
      forward.mockImplementation(function (this: Gpt2, rows) {
        if (rows.some(({ node }) => node.token === token)) throw new OrtError('injected failure');
        original.call(this, rows);
      });
      return () => forward.mockImplementation(original);
    };

    it('retries each request alone, rejects the failing one and completes the others', async () => {
      const trees = [1, 2, 3].map((token) => {
        const tree = engine.open(1);
        return { tree, node: tree.append(null, token) };
      });
      const restore = failFor(2);
      const results = await Promise.allSettled(trees.map(({ tree, node }) => evaluateAll(tree, [node])));
      restore();
      expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
      expect(results[1]).toMatchObject({ reason: new OrtError('injected failure') });
      expect(passes()).toEqual([3, 1, 1, 1]);
      expect(engine.broken).toBe(false);
    });

    it('drops the remaining rows of the request, which can be evaluated later', async () => {
      const tree = engine.open(6);
      const nodes = appendAll(tree, null, PROMPT);
      const restore = failFor(PROMPT[3] as number);
      await expect(evaluateAll(tree, nodes)).rejects.toThrow('injected failure');
      restore();
      expect(engine.status.waitingRows).toBe(0);
      expect(passes()).toEqual([4]);
      expect(await logitsOf(engine, tree, nodes)).toEqual(await sequenceLogits(engine, PROMPT));
    });
  });

  it('leaves no queued rows when a request is cancelled while it yields', async () => {
    const reason = new Error('cancelled');
    const pause = vi.fn<() => Promise<void>>(() => Promise.resolve());
    const other = await loadEngine(ODD_INT8, { platform: { ...nodePlatform, pause } });
    const tree = other.open(1);
    const node = tree.append(null, 1);
    pause.mockRejectedValueOnce(reason);
    await expect(tree.evaluate([{ node }])).rejects.toBe(reason);
    expect(other.status.waitingRows).toBe(0);
    await tree.evaluate([{ node }]);
    other.release();
  });

  it('times passes until the choice of reading ahead is made, and none of a small model', async () => {
    const now = vi.fn(async () => performance.now());
    const small = await loadEngine(ODD_INT8, { platform: { ...nodePlatform, now } });
    const tree = small.open(1);
    await logitsOf(small, tree, [tree.append(null, 1)]);
    expect(now).not.toHaveBeenCalled();
    expect(small.readAhead).toBe(false);
    small.release();

    const kernels = vi.fn<(on: boolean) => void>();
    const choice = new ReadAheadChoice(kernels);
    let time = 0;
    /** A pass takes 10 ms without reading ahead, and 7 with. */
    const model = {
      config: engine.manifest.config,
      maxRows: 1,
      forward() {
        time += kernels.mock.lastCall?.[0] ? 7 : 10;
      },
    };
    const clock = vi.fn(async () => time);
    const queue = new PassQueue(model, { pause: nodePlatform.pause, now: clock }, choice);
    const node = { token: 1, position: 0, parent: null, slot: 0 } as CachedNode;
    const rows = [{ node, read: () => {} }];
    for (let pass = 0; pass < 100; pass++)
      await queue.run({ owner: { closed: false }, rows, isPrompt: false });
    expect(choice.value).toBe(true);
    expect(kernels).toHaveBeenLastCalledWith(true);
    expect(clock.mock.calls.length).toBe(120);
  });

  describe('while a request is alone', () => {
    /** More than fit in the work between two turns, and than follow the arrival of a request. */
    const STEPS = 200;
    let turn: () => void | Promise<void>;
    const pause = vi.fn<() => Promise<void>>(async () => await turn());
    let lone: Engine;

    beforeEach(async () => {
      lone = await loadEngine(ODD_INT8, { platform: { ...nodePlatform, pause } });
      turn = () => {};
      pause.mockClear();
      forward.mockClear();
    });
    afterEach(() => lone.release());

    /** Steps of one row each. @param isOver is asked before each step */
    async function runSteps(tree: CachedTree, steps: number, isOver = () => false): Promise<void> {
      const root = tree.append(null, 1);
      for (let step = 0; step < steps && !isOver(); step++) {
        const node = tree.append(root, 2);
        await tree.evaluate([{ node: root, logits: new Float32Array(lone.vocabSize) }, { node }]);
        tree.release(node);
      }
    }

    it('yields by the work done, and beside another after every pass', async () => {
      await runSteps(lone.open(2), STEPS);
      expect(passes().length).toBe(STEPS);
      expect(pause.mock.calls.length).toBeGreaterThan(4);
      expect(pause.mock.calls.length).toBeLessThan(STEPS / 4);
      pause.mockClear();
      forward.mockClear();
      await Promise.all([runSteps(lone.open(2), STEPS), runSteps(lone.open(2), STEPS)]);
      expect(passes().length).toBeLessThan(2 * STEPS);
      expect(pause.mock.calls.length).toBeGreaterThanOrEqual(passes().length);
    });

    it('serves another request in the pass after the turn in which it comes', async () => {
      let passesBefore = Number.NaN;
      let passesAfter = Number.NaN;
      turn = () => {
        if (passes().length < STEPS / 2 || passesBefore > 0) return;
        passesBefore = passes().length;
        const other = lone.open(1);
        void other.evaluate([{ node: other.append(null, 3) }]).then(() => {
          passesAfter = passes().length;
        });
      };
      await runSteps(lone.open(2), STEPS);
      expect(passesAfter).toBe(passesBefore + 1);
    });

    it('yields after every pass while another request that was announced is on its way', async () => {
      const first = lone.open(2);
      await runSteps(first, STEPS);
      first.close();
      pause.mockClear();
      lone.noticeArrival();
      const second = lone.open(2);
      await runSteps(second, 5);
      second.close();
      expect(pause).toHaveBeenCalledTimes(1);
      lone.noticeArrival();
      lone.noticeArrival();
      await runSteps(lone.open(2), 5);
      expect(pause).toHaveBeenCalledTimes(1 + 5);
    });

    it('stops soon after its client has gone', async () => {
      let isGone = false;
      turn = () => {
        isGone ||= passes().length > STEPS;
      };
      await runSteps(lone.open(2), 100 * STEPS, () => isGone);
      expect(passes().length).toBeLessThan(2 * STEPS);
    });

    it('leaves the queue to others when the platform drops it during its turn', async () => {
      turn = () => (passes().length > STEPS ? new Promise(() => {}) : undefined);
      void runSteps(lone.open(2), 2 * STEPS);
      await vi.waitUntil(() => passes().length > STEPS, { interval: 1 });
      const dropped = passes().length;
      turn = () => {};
      const other = lone.open(2);
      await runSteps(other, STEPS);
      expect(passes().length).toBe(dropped + STEPS);
    });
  });
});
