/** @module The merges of a BPE, as ids. */
import { excerpt, fail } from '../files/folder.ts';
import type { TokenizerFiles } from '../files/read-files.ts';

/**
 * Left id, right id and merged id of each merge.
 * @param prefixLength of what the vocabulary has before each symbol of a word but the first, which a merge removes
 */
export function mergeTable(
  files: TokenizerFiles,
  merges: readonly unknown[],
  prefixLength = 0,
): Uint32Array<ArrayBuffer> {
  const { vocabulary, file } = files;
  const location = (rank: number) => files.mergeLocation?.(rank) ?? `${file}: model.merges.${rank}`;
  const table = new Uint32Array(3 * merges.length);
  for (const [rank, merge] of merges.entries()) {
    const pair: readonly unknown[] =
      typeof merge === 'string' ? merge.split(' ') : Array.isArray(merge) ? merge : [];
    const [left, right] = pair;
    if (typeof left !== 'string' || typeof right !== 'string' || pair.length > 2 || !left || !right) {
      return fail(location(rank), `expected two tokens, found ${excerpt(merge)}`);
    }
    for (const [i, token] of [left, right, left + right.slice(prefixLength)].entries()) {
      table[3 * rank + i] =
        vocabulary.get(token) ??
        fail(location(rank), `"${token}" of the merge "${left} ${right}" is not in ${file}`);
    }
  }
  return table;
}
