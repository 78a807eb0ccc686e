/** @module Gathered logits that are kept: the same bits without a row, for those who may find the node. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { GatheredLogits } from '../../../../decoding/interface/logits-row.ts';
import { GatheredMemo } from '../../../../engine/batching/gathered-memo.ts';
import { CachedNode } from '../../../../engine/cache/radix-tree.ts';
import type { Engine, EngineTreeOptions } from '../../../../engine/engine.ts';
import { loadEngine } from '../../../../engine/node/load-engine.ts';
import { ODD_INT4 } from '../../../support/models.ts';

const PATH = [4, 9, 2];

describe('a row of the prefix cache', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await loadEngine(ODD_INT4);
  });
  afterAll(() => engine.release());
  beforeEach(() => {
    engine.resetPrefixCache();
  });

  /** Gathers after the path, and counts the rows of its passes. */
  async function gather(tokens: readonly number[], options: EngineTreeOptions = { shared: true }) {
    const tree = engine.open(PATH.length, { ...options, prompt: PATH });
    const before = engine.passCounts.rows;
    let gathered: GatheredLogits | undefined;
    const read = (found: GatheredLogits) => {
      gathered = { ...found, logits: found.logits.slice() };
      // As a search does.
      found.logits.fill(0);
    };
    let node = tree.append(null, PATH[0] as number);
    await tree.evaluate([{ node }]);
    for (const token of PATH.slice(1)) {
      node = tree.append(node, token);
      await tree.evaluate([{ node, ...(token === PATH.at(-1) && { gather: { tokens, read } }) }]);
    }
    tree.close();
    return { gathered, rows: engine.passCounts.rows - before };
  }

  it('is not computed again for the same tokens, or for some of them', async () => {
    const all = await gather([3, 50, 120, 306]);
    expect(all.rows).toBe(3);
    expect(await gather([3, 50, 120, 306])).toEqual({ ...all, rows: 0 });
    const some = await gather([50, 306]);
    expect(some.rows).toBe(0);
    engine.resetPrefixCache();
    expect(await gather([50, 306])).toEqual({ ...some, rows: 3 });
  });

  it('is computed again for another token, and then known for that', async () => {
    await gather([3, 50]);
    const other = await gather([3, 51]);
    expect(other.rows).toBe(1);
    expect(await gather([51])).toMatchObject({ rows: 0 });
    expect(other.gathered?.logits).toHaveLength(2);
  });

  it('is not found from another partition, nor by a tree that shares nothing', async () => {
    await gather([3, 50]);
    expect(await gather([3, 50], { shared: true, partition: 'other' })).toMatchObject({ rows: 3 });
    expect(await gather([3, 50], {})).toMatchObject({ rows: 3 });
  });
});

describe('what is kept', () => {
  const nodeOf = (token: number) => new CachedNode(token, null, token, '');
  const tokensOf = (count: number) => Uint32Array.from({ length: count }, (_, i) => i);
  const gatheredOf = (count: number) => ({ logits: new Float32Array(count), largest: 1, total: 2 });

  it('has a bound, and the longest unused goes first', () => {
    const memo = new GatheredMemo();
    const nodes = Array.from({ length: 60 }, (_, i) => nodeOf(i));
    for (const node of nodes) {
      memo.add(node, tokensOf(1000), gatheredOf(1000));
      memo.find(nodes[0] as CachedNode, [7]);
    }
    const kept = nodes.map((node) => memo.find(node, [7]) !== undefined);
    expect(kept.filter(Boolean)).toHaveLength(31);
    expect([kept[0], kept[1], kept.at(-1)]).toEqual([true, false, true]);
  });

  it('are no long lists', () => {
    const memo = new GatheredMemo();
    const node = nodeOf(1);
    memo.add(node, tokensOf(3000), gatheredOf(3000));
    expect(memo.find(node, [7])).toBeUndefined();
  });
});
