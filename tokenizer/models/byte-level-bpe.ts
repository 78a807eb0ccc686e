/** @module GPT-2's byte-level BPE: the symbols of a piece are its bytes. */
import type { ModelDescription } from '../format/description.ts';
import { checkIds, fail, type Tables } from '../format/file.ts';
import type { Ids } from './ids.ts';
import { Merges } from './merges.ts';
import type { TokenizerModel } from './model.ts';
import { StringIndex } from './string-index.ts';

const BYTE_VALUES = 256;
/** In `byteIds`: the byte is no token. */
export const NO_TOKEN = 0xffffffff;
/** Pieces of up to this many bytes share one buffer. */
const SHARED_BYTES = 1024;

export class ByteLevelBpe implements TokenizerModel {
  readonly #byteIds: Uint32Array;
  readonly #merges: Merges;
  readonly #unknown: number | null;
  readonly #fuseUnknown: boolean;
  /** Whether each byte is a token. */
  readonly #isComplete: boolean;
  /** The tokens by the bytes of their pieces, if a piece that is a token needs no merges. */
  readonly #pieces: StringIndex | undefined;
  readonly #pieceIds: Uint32Array = new Uint32Array(0);
  readonly #utf8 = new Uint8Array(SHARED_BYTES);
  readonly #encoder = new TextEncoder();

  /** Keeps views of the tables. */
  constructor(
    { ignoreMerges, unknown, fuseUnknown }: Extract<ModelDescription, { type: 'ByteLevelBpe' }>,
    tables: Tables,
    vocabSize: number,
  ) {
    this.#byteIds = tables.get('byteIds', 'u32', BYTE_VALUES);
    const outside = this.#byteIds.find((id) => id !== NO_TOKEN && id >= vocabSize) ?? unknown ?? 0;
    if (outside >= vocabSize) fail(`contains token id ${outside}; its vocabulary has ${vocabSize} tokens`);
    this.#isComplete = !this.#byteIds.includes(NO_TOKEN);
    this.#merges = new Merges(tables.get('merges', 'u32'), vocabSize);
    this.#unknown = unknown;
    this.#fuseUnknown = fuseUnknown;
    if (!ignoreMerges) return;
    this.#pieceIds = tables.get('pieceIds', 'u32');
    checkIds(this.#pieceIds, vocabSize);
    const { length } = this.#pieceIds;
    this.#pieces = new StringIndex(
      { offsets: tables.get('pieceOffsets', 'u32', length + 1), bytes: tables.get('pieceBytes', 'u8') },
      Uint32Array.from({ length }, (_, i) => i),
    );
  }

  encode(piece: string, ids: Ids): void {
    // A UTF-16 code unit has at most three bytes in UTF-8.
    if (3 * piece.length <= SHARED_BYTES) {
      const { written } = this.#encoder.encodeInto(piece, this.#utf8);
      this.encodeBytes(this.#utf8, 0, written, ids);
    } else {
      const utf8 = this.#encoder.encode(piece);
      this.encodeBytes(utf8, 0, utf8.length, ids);
    }
  }

  /** Pushes the ids of the piece `utf8[start, end)`. */
  encodeBytes(utf8: Uint8Array, start: number, end: number, ids: Ids): void {
    const whole = this.#pieces?.find(utf8, start, end);
    if (whole !== undefined) {
      ids.push(this.#pieceIds[whole] as number);
      return;
    }
    const symbols = this.#merges.symbols(end - start);
    if (!this.#isComplete) {
      this.#merges.apply(this.#writeKnown(utf8, start, end, symbols), ids);
      return;
    }
    const length = end - start;
    for (let i = 0; i < length; i++) symbols[i] = this.#byteIds[utf8[start + i] as number] as number;
    this.#merges.apply(length, ids);
  }

  /** As in the reference, a byte that is no token is the unknown token, or nothing if there is none. */
  #writeKnown(utf8: Uint8Array, start: number, end: number, symbols: Int32Array): number {
    let length = 0;
    let afterUnknown = false;
    for (let i = start; i < end; i++) {
      const id = this.#byteIds[utf8[i] as number] as number;
      const isUnknown = id === NO_TOKEN;
      const symbol = isUnknown ? this.#unknown : id;
      if (symbol !== null && !(isUnknown && afterUnknown && this.#fuseUnknown)) symbols[length++] = symbol;
      afterUnknown = isUnknown;
    }
    return length;
  }
}
