/** @module The tokens of a model by their text. */
import { excerpt, fail } from './folder.ts';
import type { BuiltTokenizer } from './tokenizer-class.ts';

/** More ids than any model has rows: the tables of a tokenizer have an entry for each. */
const MAX_ID = 2 ** 22 - 1;

/**
 * The ids of a model's tokens: of an object by token, or of a list of tokens with scores.
 * @throws CheckpointError if an id is none, or two tokens have one
 */
export function vocabularyOf({ json: { model }, file }: BuiltTokenizer): Map<string, number> {
  const { vocab } = model;
  const field = file.endsWith('tokenizer.json') ? `${file}: model.vocab` : file;
  if (typeof vocab !== 'object' || vocab === null)
    fail(field, `expected tokens with ids, found ${excerpt(vocab)}`);
  const entries = Array.isArray(vocab)
    ? vocab.map((entry, id) => [tokenIn(field, entry), id])
    : Object.entries(vocab);
  const tokens = new Map<string, number>();
  const byId = new Map<number, string>();
  for (const [token, id] of entries as [string, unknown][]) {
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0)
      fail(field, `"${token}" has id ${excerpt(id)}`);
    if (id > MAX_ID) fail(field, `"${token}" has id ${id}, more than ${MAX_ID}`);
    const other = byId.get(id);
    if (other !== undefined) fail(field, `"${other}" and "${token}" both have id ${id}`);
    byId.set(id, token);
    if (!tokens.has(token)) tokens.set(token, id);
  }
  return tokens;
}

function tokenIn(field: string, entry: unknown): string {
  const token: unknown = Array.isArray(entry) ? entry[0] : entry;
  return typeof token === 'string'
    ? token
    : fail(field, `expected tokens with scores, found ${excerpt(entry)}`);
}
