/** @module Converts a checkpoint's tokenizer into `tokenizer.bin` (`tokenizer/format.ts`). */
import { sortTokens } from '../../decoding/constraints/automaton/vocabulary.ts';
import { offsetsOf, writeTables } from '../../tokenizer/format.ts';
import { CheckpointError } from '../checkpoint/interface/errors.ts';
import type { Metadata } from '../checkpoint/interface/metadata.ts';
import type { OnWarning } from '../checkpoint/interface/progress.ts';
import { readVocabulary, type Vocabulary } from '../checkpoint/tokenizer-files.ts';

/**
 * Builds the `tokenizer.bin` of a checkpoint from `vocab.json` and `merges.txt` if both
 * exist, else from `tokenizer.json`. Deterministic.
 *
 * @returns also the number of tokens and the names of the files that were read.
 * @throws CheckpointError if the files are missing or not GPT-2's byte-level BPE.
 */
export async function buildTokenizer(
  metadata: Metadata,
  onWarning: OnWarning = () => {},
): Promise<{ bytes: Uint8Array; vocabSize: number; sources: string[] }> {
  const vocabulary = await readVocabulary(metadata);
  const { file, sources } = vocabulary;
  if (vocabulary.merges.length === 0) onWarning('the tokenizer has no merges: each token is a single byte');
  const { ids, added } = addTokens(vocabulary);
  const contents = new Set(added.map(({ content }) => content));
  const tokens = tokensById(ids, file).map((token) => bytesOf(token, contents.has(token), file));
  const offsets = offsetsOf(tokens);
  const tokenBytes = Buffer.concat(tokens);
  const special = new Set(added.flatMap(({ id, special }) => (special ? [id] : [])));
  const bytes = writeTables({
    byteIds: byteIds(vocabulary),
    offsets,
    merges: mergeTable(vocabulary),
    tokenBytes,
    added,
    sorted: sortTokens({ offsets, bytes: tokenBytes }, (token) => !special.has(token)),
  });
  return { bytes, vocabSize: tokens.length, sources };
}

/** @returns all ids, including those of the added tokens, and the added tokens in the order of their ids. */
function addTokens({ file, ids: vocab, declarations }: Vocabulary) {
  const ids = new Map(vocab);
  const special = new Map<string, boolean>();
  for (const { location, content, id } of declarations) {
    if (id === undefined) continue;
    const other = ids.get(content);
    if (other !== undefined && other !== id)
      fail(location, `"${content}" has id ${id} here and ${other} elsewhere`);
    ids.set(content, id);
  }
  for (const { location, content, special: isSpecial = false } of declarations) {
    if (!ids.has(content))
      fail(location, `"${content}" has no id, neither in ${file} nor among the added tokens`);
    special.set(content, isSpecial || special.get(content) === true);
  }
  const added = [...special].map(([content, special]) => ({
    content,
    id: ids.get(content) as number,
    special,
  }));
  return { ids, added: added.sort((a, b) => a.id - b.id) };
}

/** @returns the tokens in the order of their ids, which must be 0 to n - 1. */
function tokensById(ids: ReadonlyMap<string, number>, file: string): string[] {
  const tokens = new Array<string>(ids.size);
  for (const [token, id] of ids) {
    const other = tokens[id];
    if (!Number.isInteger(id) || id < 0) fail(file, `"${token}" has id ${JSON.stringify(id)}`);
    if (id >= ids.size)
      fail(file, `"${token}" has id ${id}, but there are only ${ids.size} tokens: an id is missing`);
    if (other !== undefined) fail(file, `"${token}" and "${other}" both have id ${id}`);
    tokens[id] = token;
  }
  return tokens;
}

/** `bytes_to_unicode()` of GPT-2's `encoder.py`: the vocabulary's symbols of the bytes 0 to 255. */
export function byteSymbols(): string[] {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
    return String.fromCharCode(printable ? byte : next++);
  });
}

const BYTES = new Map(byteSymbols().map((symbol, byte) => [symbol, byte]));

/** @returns a token's bytes. As in the reference, an added token with other symbols is plain text. */
function bytesOf(token: string, isAdded: boolean, file: string): Uint8Array {
  const foreign = [...token].find((symbol) => !BYTES.has(symbol));
  if (foreign === undefined) return Uint8Array.from(token, (symbol) => BYTES.get(symbol) as number);
  if (!isAdded)
    fail(file, `token "${token}" has "${foreign}", which represents no byte: not a byte-level vocabulary`);
  return new TextEncoder().encode(token);
}

function byteIds({ file, ids }: Vocabulary): Uint32Array {
  return Uint32Array.from(BYTES, ([symbol, byte]) => {
    return (
      ids.get(symbol) ??
      fail(file, `has no token "${symbol}" for the byte ${byte}: not a byte-level vocabulary`)
    );
  });
}

function mergeTable({ file, ids, merges }: Vocabulary): Uint32Array {
  const table = merges.flatMap(({ location, pair }) => {
    const [left, right, ...rest] = pair;
    if (!left || !right || rest.length > 0)
      return fail(location, `expected two tokens, found "${pair.join(' ')}"`);
    return [left, right, left + right].map(
      (token) =>
        ids.get(token) ?? fail(location, `"${token}" of the merge "${left} ${right}" is not in ${file}`),
    );
  });
  return Uint32Array.from(table);
}

function fail(location: string, fault: string): never {
  throw new CheckpointError(`${location}: ${fault}`);
}
