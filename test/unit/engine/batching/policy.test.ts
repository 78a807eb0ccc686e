/** @module The scheduling policy: even shares for steps, and prompts in chunks beside them. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { TreeNode } from '../../../../decoding/interface/token-tree.ts';
import type { CachedTree } from '../../../../engine/batching/cached-tree.ts';
import type { Engine } from '../../../../engine/engine.ts';
import { Gpt2 } from '../../../../engine/model/gpt2.ts';
import { loadEngine } from '../../../../engine/node/load-engine.ts';
import { ODD_INT4, ODD_INT8 } from '../../../support/models.ts';
import { appendAll } from '../../../support/rows.ts';

/** Rows of each pass, by user. Each user has one token, which identifies its rows. */
function rowsByUser(forward: { readonly mock: { readonly calls: [rows: readonly { node: TreeNode }[]][] } }) {
  return forward.mock.calls.map(([rows]) => {
    const counts: Record<string, number> = {};
    for (const { node } of rows) counts[node.token] = (counts[node.token] ?? 0) + 1;
    return counts;
  });
}

class User {
  readonly #tree: CachedTree;
  readonly #token: number;
  #root: TreeNode | null = null;

  constructor(engine: Engine, token: number, nodes: number) {
    this.#tree = engine.open(nodes);
    this.#token = token;
  }

  /** Evaluates the root of the steps. */
  async evaluateRoot(): Promise<void> {
    this.#root = this.#tree.append(null, this.#token);
    await this.#tree.evaluate([{ node: this.#root }]);
  }

  prompt(length: number): Promise<void> {
    const nodes = appendAll(this.#tree, null, Array<number>(length).fill(this.#token));
    return this.#tree.evaluate(nodes.map((node) => ({ node })));
  }

  /** Evaluates `count` rows after the root that nobody waits for one by one, as of texts that are scored. */
  scores(count: number): Promise<void> {
    const nodes = Array.from({ length: count }, () => this.#tree.append(this.#root, this.#token));
    return this.#tree.evaluate(
      nodes.map((node) => ({ node })),
      'prompt',
    );
  }

  /** Runs `count` steps of `branches` rows, one after the other. */
  async steps(count: number, branches: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const nodes = Array.from({ length: branches }, () => this.#tree.append(this.#root, this.#token));
      await this.#tree.evaluate(nodes.map((node) => ({ node })));
      for (const node of nodes) this.#tree.release(node);
    }
  }
}

describe('a pass', () => {
  let engine: Engine;
  const forward = vi.spyOn(Gpt2.prototype, 'forward');
  const passes = () => rowsByUser(forward);

  async function start(maxRows: number, model = ODD_INT8): Promise<void> {
    engine = await loadEngine(model, { maxRows });
    forward.mockClear();
  }
  beforeEach(() => start(16));
  afterEach(() => engine.release());

  async function evaluateRoots(...users: readonly User[]): Promise<void> {
    for (const user of users) await user.evaluateRoot();
    forward.mockClear();
  }

  it('contains every waiting step, whatever its number of branches', async () => {
    const [beams, stream] = [new User(engine, 8, 10), new User(engine, 1, 10)];
    await evaluateRoots(beams, stream);
    await Promise.all([beams.steps(5, 8), stream.steps(5, 1)]);
    expect(passes()).toEqual(Array(5).fill({ 1: 1, 8: 8 }));
  });

  it('has even shares when it is too small, so that a small step takes part in every pass', async () => {
    const [many, more, stream] = [
      new User(engine, 20, 30),
      new User(engine, 30, 40),
      new User(engine, 1, 10),
    ];
    await evaluateRoots(many, more, stream);
    await Promise.all([many.steps(2, 20), more.steps(2, 30), stream.steps(6, 1)]);
    const all = passes();
    expect(all.slice(0, 6).map((counts) => counts[1])).toEqual([1, 1, 1, 1, 1, 1]);
    expect(all[0]).toEqual({ 1: 1, 20: 7, 30: 8 });
    for (const counts of all) expect(Object.values(counts).reduce((a, b) => a + b)).toBeLessThanOrEqual(16);
  });

  it('skips a step only while the others are served once', async () => {
    await engine.release();
    await start(4);
    const users = Array.from({ length: 10 }, (_, i) => new User(engine, i, 10));
    await evaluateRoots(...users);
    await Promise.all(users.map((user) => user.steps(4, 1)));
    const waits = users.map((_, i) => {
      const indices = passes().flatMap((counts, pass) => (counts[i] ? [pass] : []));
      return Math.max(...indices.slice(1).map((pass, k) => pass - (indices[k] as number)));
    });
    expect(Math.max(...waits)).toBeLessThanOrEqual(3);
  });

  it('is filled by a prompt when nothing else waits', async () => {
    await new User(engine, 5, 40).prompt(40);
    expect(passes()).toEqual([{ 5: 16 }, { 5: 16 }, { 5: 8 }]);
  });

  it.each([
    { precision: 'int8', model: ODD_INT8, branches: 1, chunk: 3 },
    { precision: 'int4', model: ODD_INT4, branches: 1, chunk: 3 },
    { precision: 'int8', model: ODD_INT8, branches: 8, chunk: 8 },
    { precision: 'int4', model: ODD_INT4, branches: 8, chunk: 8 },
  ])(
    'takes as many prompt rows beside a step as double its time: $precision, $branches rows',
    async ({ model, branches, chunk }) => {
      await engine.release();
      await start(32, model);
      const [stream, prompt] = [new User(engine, 1, 60), new User(engine, 5, 48)];
      await evaluateRoots(stream);
      await Promise.all([stream.steps(6, branches), prompt.prompt(48)]);
      for (const counts of passes().slice(0, 6)) expect(counts).toEqual({ 1: branches, 5: chunk });
    },
  );

  it('has rows of each prompt, however few step rows there are', async () => {
    const stream = new User(engine, 1, 30);
    const prompts = Array.from({ length: 12 }, (_, i) => new User(engine, 10 + i, 10));
    await evaluateRoots(stream);
    await Promise.all([stream.steps(4, 1), ...prompts.map((prompt) => prompt.prompt(4))]);
    for (const counts of passes().slice(0, 3)) {
      for (const i of prompts.keys()) expect(counts[10 + i]).toBeGreaterThanOrEqual(1);
      expect(counts[1]).toBe(1);
    }
  });

  it('has both step rows and prompt rows when both wait, however many there are', async () => {
    const users = [new User(engine, 1, 20), new User(engine, 2, 20)] as const;
    const prompt = new User(engine, 5, 30);
    await evaluateRoots(...users);
    await Promise.all([users[0].steps(4, 16), users[1].steps(4, 16), prompt.prompt(30)]);
    const lastPromptPass = passes().findLastIndex((counts) => counts[5]);
    for (const counts of passes().slice(0, lastPromptPass)) {
      expect(counts[5]).toBeGreaterThanOrEqual(1);
      expect((counts[1] ?? 0) + (counts[2] ?? 0)).toBeGreaterThanOrEqual(1);
    }
  });

  it('takes rows that are scored as those of a prompt', async () => {
    const [stream, scored] = [new User(engine, 1, 20), new User(engine, 5, 40)];
    await evaluateRoots(stream, scored);
    await Promise.all([stream.steps(4, 1), scored.scores(30)]);
    for (const counts of passes().slice(0, 3)) {
      expect(counts[1]).toBe(1);
      expect(counts[5]).toBeLessThanOrEqual(4);
    }
  });

  it('gives a short prompt an even share beside a long one', async () => {
    const [long, short] = [new User(engine, 5, 80), new User(engine, 6, 8)];
    await Promise.all([long.prompt(80), short.prompt(8)]);
    expect(passes()[0]).toEqual({ 5: 8, 6: 8 });
  });
});
