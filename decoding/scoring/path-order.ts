/** @module The order in which paths of tokens form a tree: each begins with the largest part of the one before it. */

/** Tokens that go on after a context. */
export interface ScoredPath {
  /** At least one. */
  readonly tokens: ArrayLike<number>;
  /** The first tokens of the path that are not scored: they are what the others go on after. */
  readonly from: number;
}

export interface PathOrder {
  /** Indices of the paths. */
  readonly order: readonly number[];
  /** `[paths]`: the number of tokens that each path in the order has in common with the one before it. */
  readonly shared: Int32Array;
}

export function orderPaths(paths: readonly ScoredPath[]): PathOrder {
  const tokensOf = (index: number) => (paths[index] as ScoredPath).tokens;
  const order = [...paths.keys()].sort((a, b) => compare(tokensOf(a), tokensOf(b)) || a - b);
  const shared = Int32Array.from(order, (index, i) =>
    i === 0 ? 0 : commonLength(tokensOf(order[i - 1] as number), tokensOf(index)),
  );
  return { order, shared };
}

/** The number of first tokens that two lists have in common. */
export function commonLength(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const shorter = Math.min(a.length, b.length);
  let length = 0;
  while (length < shorter && a[length] === b[length]) length++;
  return length;
}

/** A path comes after those that it begins with. */
function compare(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const length = commonLength(a, b);
  return (a[length] ?? -1) - (b[length] ?? -1);
}

export interface PathNodes {
  /** With as many nodes the tree can be walked, path by path. */
  readonly least: number;
  /** As many hold the whole tree. The last token of a path needs none, since nothing is read after it. */
  readonly most: number;
}

/** The number of nodes that the tree of the paths needs, with its context. */
export function nodesOfPaths(context: ArrayLike<number>, paths: readonly ScoredPath[]): PathNodes {
  const { order, shared } = orderPaths(paths);
  let deepest = 0;
  let total = 0;
  let before = 0;
  for (const [i, index] of order.entries()) {
    const depth = (paths[index] as ScoredPath).tokens.length - 1;
    total += depth - Math.min(shared[i] as number, before);
    deepest = Math.max(deepest, depth);
    before = depth;
  }
  return { least: context.length + deepest, most: context.length + total };
}
