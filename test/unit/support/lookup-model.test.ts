/** @module The stub model of property tests throws the engine's errors, and counts nodes and evaluations. */
import { describe, expect, it } from 'vitest';
import type { TreeNode } from '../../../decoding/interface/token-tree.ts';
import { LookupModel } from '../../support/lookup-model.ts';
import { appendAll, logitsOf, sequenceLogits } from '../../support/rows.ts';

describe('the logits of a lookup model', () => {
  it('are a function of the seed and the whole path', async () => {
    const model = new LookupModel({ seed: 1 });
    const rows = await sequenceLogits(model, [1, 2, 3]);
    expect(rows).toEqual([[1], [1, 2], [1, 2, 3]].map((path) => model.logitsAfter(path)));
    expect(await sequenceLogits(new LookupModel({ seed: 1 }), [1, 2, 3])).toEqual(rows);
    expect(model.logitsAfter([2, 1])).not.toEqual(rows[1]);
    expect(model.logitsAfter([4, 2, 3])).not.toEqual(rows[2]);
    expect(new LookupModel({ seed: 2 }).logitsAfter([1])).not.toEqual(rows[0]);
  });

  it('do not depend on tokens beyond the memory', () => {
    const model = new LookupModel({ memory: 2 });
    expect(model.logitsAfter([5, 5, 1, 2])).toEqual(model.logitsAfter([1, 2]));
    expect(model.logitsAfter([5, 2])).not.toEqual(model.logitsAfter([1, 2]));
  });

  it('are finite and distinct, one per token of the vocabulary', () => {
    const model = new LookupModel({ vocabSize: 12 });
    const row = model.logitsAfter([3]);
    expect(row).toHaveLength(12);
    expect(new Set(row).size).toBe(12);
    expect(row.every((logit) => Math.abs(logit) <= 4)).toBe(true);
  });
});

describe('a tree of a lookup model', () => {
  it('counts nodes, calls and rows, and frees a branch up to the first retained node', async () => {
    const model = new LookupModel();
    const tree = model.open(5);
    const [first, second] = appendAll(tree, null, [1, 2]) as [TreeNode, TreeNode];
    await tree.evaluate([{ node: first }, { node: second }]);
    const left = tree.append(second, 3);
    const right = tree.append(second, 4);
    const [row] = await logitsOf(model, tree, [left, right]);
    expect(row).toEqual(model.logitsAfter([1, 2, 3]));
    for (const node of [first, second, left]) tree.release(node);
    expect(model.counts).toEqual({ openTrees: 1, nodes: 3, maxNodes: 4, evaluateCalls: 2, rows: 4 });
    tree.release(right);
    expect(model.counts.nodes).toBe(0);
    tree.append(null, 1);
    tree.close();
    tree.close();
    expect(model.counts).toMatchObject({ openTrees: 0, nodes: 0, maxNodes: 4 });
  });

  it('retains a node that is released during its evaluation', async () => {
    const model = new LookupModel();
    const tree = model.open(1);
    const node = tree.append(null, 1);
    const logits = new Float32Array(model.vocabSize);
    const evaluated = tree.evaluate([{ node, logits }]);
    tree.release(node);
    expect(() => tree.append(null, 2)).toThrow('the tree holds 1 nodes already');
    await evaluated;
    expect(logits).toEqual(model.logitsAfter([1]));
    expect(model.counts.nodes).toBe(0);
  });

  it('rejects tokens outside the vocabulary and positions outside the context', () => {
    const tree = new LookupModel({ vocabSize: 3, contextLength: 2 }).open(9);
    for (const token of [-1, 3, 1.5, Number.NaN]) {
      expect(() => tree.append(null, token)).toThrow(
        new RangeError(`token ${token} is outside the vocabulary of 3`),
      );
    }
    const last = appendAll(tree, null, [0, 1]).at(-1) as TreeNode;
    expect(() => tree.append(last, 0)).toThrow(
      new RangeError('position 2 is outside the context of 2 tokens'),
    );
  });

  it('rejects more simultaneous nodes than were reserved', () => {
    const tree = new LookupModel().open(1);
    const node = tree.append(null, 1);
    expect(() => tree.append(null, 1)).toThrow(
      new RangeError('the tree holds 1 nodes already, all that were reserved for it'),
    );
    tree.release(node);
    expect(tree.append(null, 1).position).toBe(0);
  });

  it('rejects nodes of another tree, freed nodes, and a second release', async () => {
    const model = new LookupModel();
    const tree = model.open(3);
    const foreign = model.open(1).append(null, 1);
    const message = 'the node is not, or no longer, one of this tree';
    expect(() => tree.append(foreign, 1)).toThrow(message);
    await expect(tree.evaluate([{ node: foreign }])).rejects.toThrow(message);
    const [parent, child] = appendAll(tree, null, [1, 2]) as [TreeNode, TreeNode];
    tree.release(parent);
    expect(() => tree.release(parent)).toThrow('the node was released before');
    tree.release(child);
    expect(() => tree.release(child)).toThrow(message);
    expect(() => tree.append(parent, 1)).toThrow(message);
  });

  it('rejects the evaluation of a node twice, or before its parent', async () => {
    const model = new LookupModel();
    const tree = model.open(2);
    const [parent, child] = appendAll(tree, null, [1, 2]) as [TreeNode, TreeNode];
    await expect(tree.evaluate([{ node: child }, { node: parent }])).rejects.toThrow(
      'a node is evaluated after its parent',
    );
    await expect(tree.evaluate([{ node: parent }, { node: parent }])).rejects.toThrow(
      'a node is evaluated only once',
    );
    await tree.evaluate([{ node: parent }]);
    await expect(tree.evaluate([{ node: parent }])).rejects.toThrow('a node is evaluated only once');
    expect(model.counts).toMatchObject({ evaluateCalls: 1, rows: 1 });
  });

  it('rejects every call after close, except release', async () => {
    const model = new LookupModel();
    const tree = model.open(2);
    const node = tree.append(null, 1);
    const evaluated = tree.evaluate([{ node }]);
    tree.close();
    await expect(evaluated).rejects.toThrow('the tree is closed');
    await expect(tree.evaluate([{ node }])).rejects.toThrow('the tree is closed');
    expect(() => tree.append(null, 1)).toThrow('the tree is closed');
    tree.release(node);
    expect(model.counts).toMatchObject({ openTrees: 0, nodes: 0 });
  });
});
