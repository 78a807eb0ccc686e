/** @module Who is in a pass: everyone who waits, evenly, and prompts between the others' tokens. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { TreeNode } from '../../../../decoding/interface/token-tree.ts';
import type { CachedTree } from '../../../../engine/batching/cached-tree.ts';
import type { Engine } from '../../../../engine/engine.ts';
import { Gpt2 } from '../../../../engine/model/gpt2.ts';
import { loadEngine } from '../../../../engine/node/load-engine.ts';
import { ODD_INT4, ODD_INT8 } from '../../../support/models.ts';
import { appendAll } from '../../../support/rows.ts';

/** Rows of each pass, by the user whose they are: users are told apart by their tokens. */
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

  /** Computes a first token, which steps follow. */
  async begin(): Promise<void> {
    this.#root = this.#tree.append(null, this.#token);
    await this.#tree.evaluate([{ node: this.#root }]);
  }

  prompt(length: number): Promise<void> {
    const nodes = appendAll(this.#tree, null, Array<number>(length).fill(this.#token));
    return this.#tree.evaluate(nodes.map((node) => ({ node })));
  }

  /** Steps of so many branches, one after the other. */
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

  async function begun(...users: readonly User[]): Promise<void> {
    for (const user of users) await user.begin();
    forward.mockClear();
  }

  it('has everyone who waits for a token, whatever the number of branches', async () => {
    const [beams, stream] = [new User(engine, 8, 10), new User(engine, 1, 10)];
    await begun(beams, stream);
    await Promise.all([beams.steps(5, 8), stream.steps(5, 1)]);
    expect(passes()).toEqual(Array(5).fill({ 1: 1, 8: 8 }));
  });

  it('is shared out evenly where it is too small: who needs little gets all of it in each', async () => {
    const [many, more, stream] = [
      new User(engine, 20, 30),
      new User(engine, 30, 40),
      new User(engine, 1, 10),
    ];
    await begun(many, more, stream);
    await Promise.all([many.steps(2, 20), more.steps(2, 30), stream.steps(6, 1)]);
    const all = passes();
    expect(all.slice(0, 6).map((counts) => counts[1])).toEqual([1, 1, 1, 1, 1, 1]);
    expect(all[0]).toEqual({ 1: 1, 20: 7, 30: 8 });
    for (const counts of all) expect(Object.values(counts).reduce((a, b) => a + b)).toBeLessThanOrEqual(16);
  });

  it('leaves nobody out for longer than it takes to serve the others once', async () => {
    await engine.release();
    await start(4);
    const users = Array.from({ length: 10 }, (_, i) => new User(engine, i, 10));
    await begun(...users);
    await Promise.all(users.map((user) => user.steps(4, 1)));
    const waits = users.map((_, i) => {
      const at = passes().flatMap((counts, pass) => (counts[i] ? [pass] : []));
      return Math.max(...at.slice(1).map((pass, k) => pass - (at[k] as number)));
    });
    expect(Math.max(...waits)).toBeLessThanOrEqual(3);
  });

  it('takes a prompt whole when nobody else waits', async () => {
    await new User(engine, 5, 40).prompt(40);
    expect(passes()).toEqual([{ 5: 16 }, { 5: 16 }, { 5: 8 }]);
  });

  it.each([
    { precision: 'int8', model: ODD_INT8, branches: 1, chunk: 3 },
    { precision: 'int4', model: ODD_INT4, branches: 1, chunk: 3 },
    { precision: 'int8', model: ODD_INT8, branches: 8, chunk: 8 },
    { precision: 'int4', model: ODD_INT4, branches: 8, chunk: 8 },
  ])(
    'beside tokens takes of a prompt what makes it twice as long: $precision, $branches rows',
    async (one) => {
      const { model, branches, chunk } = one;
      await engine.release();
      await start(32, model);
      const [stream, prompt] = [new User(engine, 1, 60), new User(engine, 5, 48)];
      await begun(stream);
      await Promise.all([stream.steps(6, branches), prompt.prompt(48)]);
      for (const counts of passes().slice(0, 6)) expect(counts).toEqual({ 1: branches, 5: chunk });
    },
  );

  it('has rows for each prompt, however few tokens there are', async () => {
    const stream = new User(engine, 1, 30);
    const prompts = Array.from({ length: 12 }, (_, i) => new User(engine, 10 + i, 10));
    await begun(stream);
    await Promise.all([stream.steps(4, 1), ...prompts.map((prompt) => prompt.prompt(4))]);
    for (const counts of passes().slice(0, 3)) {
      for (const i of prompts.keys()) expect(counts[10 + i]).toBeGreaterThanOrEqual(1);
      expect(counts[1]).toBe(1);
    }
  });

  it('has both tokens and prompts, where both wait, however many they are', async () => {
    const users = [new User(engine, 1, 20), new User(engine, 2, 20)] as const;
    const prompt = new User(engine, 5, 30);
    await begun(...users);
    await Promise.all([users[0].steps(4, 16), users[1].steps(4, 16), prompt.prompt(30)]);
    const until = passes().findLastIndex((counts) => counts[5]);
    for (const counts of passes().slice(0, until)) {
      expect(counts[5]).toBeGreaterThanOrEqual(1);
      expect((counts[1] ?? 0) + (counts[2] ?? 0)).toBeGreaterThanOrEqual(1);
    }
  });

  it('lets a short prompt pass a long one', async () => {
    const [long, short] = [new User(engine, 5, 80), new User(engine, 6, 8)];
    await Promise.all([long.prompt(80), short.prompt(8)]);
    expect(passes()[0]).toEqual({ 5: 8, 6: 8 });
  });
});
