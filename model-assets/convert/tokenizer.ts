/** @module A checkpoint's tokenizer → `tokenizer.bin` (tokenizer/format.ts). */
import { offsetsOf, writeTables } from '../../tokenizer/format.ts';
import { CheckpointError } from '../checkpoint/errors.ts';
import { readVocabulary, type Vocabulary } from './tokenizer-files.ts';

/**
 * The `tokenizer.bin` of the checkpoint in `checkpointDir`, from `vocab.json` and `merges.txt` when both are there,
 * else from `tokenizer.json`. The same files always give the same bytes.
 *
 * @returns also the number of tokens and the names of the files that were read.
 * @throws CheckpointError if there are no such files or they are not GPT-2's byte-level BPE.
 */
export async function buildTokenizer(
  checkpointDir: string,
): Promise<{ bytes: Uint8Array; vocabSize: number; sources: string[] }> {
  const vocabulary = await readVocabulary(checkpointDir);
  const { file, sources } = vocabulary;
  const { ids, added } = addTokens(vocabulary);
  const contents = new Set(added.map(({ content }) => content));
  const tokens = tokensById(ids, file).map((token) => bytesOf(token, contents.has(token), file));
  const bytes = writeTables({
    byteIds: byteIds(vocabulary),
    offsets: offsetsOf(tokens),
    merges: mergeTable(vocabulary),
    tokenBytes: Buffer.concat(tokens),
    added,
  });
  return { bytes, vocabSize: tokens.length, sources };
}

/** All ids, those of the added tokens among them, and the added tokens in the order of their ids. */
function addTokens({ file, ids: vocab, mentions }: Vocabulary) {
  const ids = new Map(vocab);
  const special = new Map<string, boolean>();
  for (const { where, content, id } of mentions) {
    if (id === undefined) continue;
    const known = ids.get(content);
    if (known !== undefined && known !== id) fail(where, `"${content}" has id ${id}, and elsewhere ${known}`);
    ids.set(content, id);
  }
  for (const { where, content, special: isSpecial = false } of mentions) {
    if (!ids.has(content))
      fail(where, `"${content}" has no id, neither in ${file} nor among the added tokens`);
    special.set(content, isSpecial || special.get(content) === true);
  }
  const added = [...special].map(([content, special]) => ({
    content,
    id: ids.get(content) as number,
    special,
  }));
  return { ids, added: added.sort((a, b) => a.id - b.id) };
}

/** The tokens in the order of their ids, which must be 0 to n - 1. */
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

/** `bytes_to_unicode()` of GPT-2's `encoder.py`: the characters that stand for the bytes 0 to 255 in a vocabulary. */
export function byteSymbols(): string[] {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
    return String.fromCharCode(printable ? byte : next++);
  });
}

const BYTES = new Map(byteSymbols().map((symbol, byte) => [symbol, byte]));

/** What a token stands for in text. As in the reference, an added token that isn't all byte symbols is plain text. */
function bytesOf(token: string, isAdded: boolean, file: string): Uint8Array {
  const foreign = [...token].find((symbol) => !BYTES.has(symbol));
  if (foreign === undefined) return Uint8Array.from(token, (symbol) => BYTES.get(symbol) as number);
  if (!isAdded)
    fail(file, `token "${token}" has "${foreign}", which stands for no byte: not a byte-level vocabulary`);
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
  const table = merges.flatMap(({ where, pair }) => {
    const [left, right, ...rest] = pair;
    if (!left || !right || rest.length > 0)
      return fail(where, `expected two tokens, found "${pair.join(' ')}"`);
    return [left, right, left + right].map(
      (token) =>
        ids.get(token) ?? fail(where, `"${token}" of the merge "${left} ${right}" is not in ${file}`),
    );
  });
  return Uint32Array.from(table);
}

function fail(where: string, fault: string): never {
  throw new CheckpointError(`${where}: ${fault}`);
}
