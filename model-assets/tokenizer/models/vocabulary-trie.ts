/** @module The tokens of a model as the table `trie`. */
import type { Table } from '../../../tokenizer/format/file.ts';
import type { TokenizerFiles } from '../files/read-files.ts';
import { buildTrie } from './trie-builder.ts';

/** @param entries tokens and ids; the last of equal tokens is found */
export function trieTable(entries: Iterable<readonly [token: string, id: number]>): [name: string, Table] {
  const encoder = new TextEncoder();
  return ['trie', buildTrie(Array.from(entries, ([token, id]) => ({ bytes: encoder.encode(token), id })))];
}

/** The id of the unknown token; null if the model has none, whether or not it names one. */
export function unknownId({ vocabulary }: TokenizerFiles, token: string | null | undefined): number | null {
  return token == null ? null : (vocabulary.get(token) ?? null);
}
