/** @module What each token is in a text, by its place. */
import { checkIds, fail, type Tables } from '../format/file.ts';
import type { TextDescription } from '../format/text-description.ts';

const NO_BYTES = new Uint8Array(0);
const NO_IDS = new Uint32Array(0);
const SPACE = 0x20;

export class TokenTexts {
  readonly description: TextDescription;
  readonly #offsets: Uint32Array;
  readonly #bytes: Uint8Array;
  /** Tokens that differ as the first of a text in more than a space. */
  readonly #firstIds: Uint32Array = NO_IDS;
  readonly #firstOffsets: Uint32Array = new Uint32Array(1);
  readonly #firstBytes: Uint8Array = NO_BYTES;
  readonly #byteTokens: Uint32Array;
  readonly #spaced: Uint32Array;

  /** Keeps views of the tables. */
  constructor(description: TextDescription, tables: Tables, vocabSize: number) {
    this.description = description;
    this.#offsets = tables.get('textOffsets', 'u32', vocabSize + 1);
    this.#bytes = tables.get('textBytes', 'u8');
    this.#byteTokens = description.hasByteTokens ? idsOf(tables, 'byteTokenIds', vocabSize) : NO_IDS;
    this.#spaced = description.last === 'strip' ? idsOf(tables, 'spacedIds', vocabSize) : NO_IDS;
    if (description.first !== 'strip-token') return;
    this.#firstIds = idsOf(tables, 'firstIds', vocabSize);
    this.#firstOffsets = tables.get('firstOffsets', 'u32', this.#firstIds.length + 1);
    this.#firstBytes = tables.get('firstBytes', 'u8');
    if (this.#firstOffsets.some((offset) => offset > this.#firstBytes.length)) {
      fail('has offsets of first tokens that do not fit their bytes');
    }
  }

  /** The token's bytes inside a text; none for ids that are no tokens. A view of a table. */
  inside(id: number): Uint8Array {
    return this.#bytes.subarray(this.#offsets[id] ?? 0, this.#offsets[id + 1] ?? 0);
  }

  /** The token's bytes at the beginning of a text. A view of a table. */
  first(id: number): Uint8Array {
    const exception = indexOf(this.#firstIds, id);
    if (exception >= 0) {
      return this.#firstBytes.subarray(this.#firstOffsets[exception], this.#firstOffsets[exception + 1]);
    }
    const bytes = this.inside(id);
    return this.description.first !== 'same' && bytes[0] === SPACE ? bytes.subarray(1) : bytes;
  }

  /** Whether the id is a token that texts show. */
  isShown(id: number): boolean {
    return this.inside(id).length > 0 || indexOf(this.#firstIds, id) >= 0;
  }

  /** Whether the token stands for a single byte, beside others for characters. */
  isByte(id: number): boolean {
    return indexOf(this.#byteTokens, id) >= 0;
  }

  /** Whether the token loses the space at its end as the last of a text. */
  endsInSpace(id: number): boolean {
    return indexOf(this.#spaced, id) >= 0;
  }
}

/** The index of an id in ascending ones; negative if it is not among them. */
function indexOf(ids: Uint32Array, id: number): number {
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ids[middle] as number) < id) low = middle + 1;
    else high = middle;
  }
  return ids[low] === id ? low : -1;
}

function idsOf(tables: Tables, name: string, vocabSize: number): Uint32Array {
  const ids = tables.get(name, 'u32');
  checkIds(ids, vocabSize);
  if (ids.some((id, i) => i > 0 && id <= (ids[i - 1] as number)))
    fail(`has ids in '${name}' that do not ascend`);
  return ids;
}

/** Whether a text is the bytes of its tokens, wherever they stand. */
export function isPlain({ first, last, hasByteTokens, replacements }: TextDescription): boolean {
  return first === 'same' && last === 'same' && !hasByteTokens && replacements.length === 0;
}

/** Whether that holds inside a text, if the bytes are UTF-8. */
export function isBytewise({ last, inRuns, replacements }: TextDescription): boolean {
  return last === 'same' && inRuns.length === 0 && replacements.length === 0;
}
