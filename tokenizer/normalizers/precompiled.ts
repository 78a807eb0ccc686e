/**
 * @module SentencePiece's normalization rules (`precompiled_charsmap`): a trie of what is replaced, and the texts that
 * replace it. Same text as the crate `spm_precompiled`, whose choices are its own: it looks at whole graphemes of up to five
 * bytes first, and takes the shortest entry that one begins with.
 *
 * The table: 4 bytes with the length of the trie, the trie as units of 32 bits (Darts, a double array), then texts in
 * UTF-8, each up to a zero byte.
 */
import { fail } from '../format/file.ts';

const HEADER_BYTES = 4;
const UNIT_BYTES = 4;
/** Graphemes of at least this many bytes are looked at by character only. */
const LONG_GRAPHEME_BYTES = 6;

const HAS_LEAF = 1 << 8;
const LABEL = 0x800000ff | 0;
const VALUE = 0x7fffffff;

export class CharsMap {
  readonly #units: Uint32Array;
  readonly #texts: Uint8Array;
  readonly #encoder = new TextEncoder();
  readonly #decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true });
  readonly #segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

  /** @throws Error if the table is too short for its trie */
  constructor(table: Uint8Array) {
    const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
    const length = table.length < HEADER_BYTES ? 0 : view.getUint32(0, true);
    if (length === 0 || length % UNIT_BYTES !== 0 || HEADER_BYTES + length > table.length) {
      fail('has normalization rules that cannot be read');
    }
    this.#units = Uint32Array.from({ length: length / UNIT_BYTES }, (_, i) =>
      view.getUint32(HEADER_BYTES + UNIT_BYTES * i, true),
    );
    this.#texts = table.subarray(HEADER_BYTES + length);
  }

  normalize(text: string): string {
    let normalized = '';
    for (const { segment } of this.#segmenter.segment(text)) normalized += this.#normalizeGrapheme(segment);
    return normalized;
  }

  #normalizeGrapheme(grapheme: string): string {
    const utf8 = this.#encoder.encode(grapheme);
    const whole = utf8.length < LONG_GRAPHEME_BYTES ? this.#find(utf8) : undefined;
    if (whole !== undefined) return whole;
    let normalized = '';
    for (const character of grapheme) normalized += this.#find(this.#encoder.encode(character)) ?? character;
    return normalized;
  }

  /** What replaces the shortest entry that `bytes` begins with. */
  #find(bytes: Uint8Array): string | undefined {
    const units = this.#units;
    let position = offsetOf(units[0] as number);
    for (const byte of bytes) {
      if (byte === 0) return undefined;
      position ^= byte;
      const unit = units[position];
      if (unit === undefined || (unit & LABEL) !== byte) return undefined;
      position ^= offsetOf(unit);
      if ((unit & HAS_LEAF) !== 0) return this.#textAt((units[position] ?? 0) & VALUE);
    }
    return undefined;
  }

  #textAt(start: number): string {
    const end = this.#texts.indexOf(0, start);
    return this.#decoder.decode(this.#texts.subarray(start, end < 0 ? this.#texts.length : end));
  }
}

/** The distance to a node's children, as Darts packs it. */
function offsetOf(unit: number): number {
  return (unit >>> 10) << ((unit & (1 << 9)) >>> 6);
}
