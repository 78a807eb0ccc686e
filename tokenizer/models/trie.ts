/**
 * @module The tokens of a vocabulary as a double-array trie over their UTF-8 bytes, in the units of darts-clone, which
 * SentencePiece uses for its own tables. A unit has 32 bits:
 *
 *     a node    bits 0-7 the label that leads to it, bit 8 whether a token ends in it, bits 10-30 the offset of its
 *               children, which bit 9 multiplies by 256
 *     a token   bit 31, and the token's id
 *
 * The child of a node by the label l is the unit at (node's index ^ offset ^ l), if that unit has the label l. The token
 * that ends in a node is its child by the label 0. No text has the byte 0xC0, so it stands for the byte 0.
 */
import { checkIds, fail } from '../format/file.ts';

/** What a byte is in the trie. */
export const labelOf = (byte: number): number => (byte === 0 ? 0xc0 : byte);

/** The walk has left the trie. */
export const NOWHERE = -1;
/** No token ends in a node. */
export const NO_TOKEN = -1;

const HAS_TOKEN = 1 << 8;
const IS_TOKEN = 0x80000000;
const LABEL_BITS = IS_TOKEN | 0xff;
const ID_BITS = 0x7fffffff;

/** The offset of a node's children: what its index is changed by. */
const offsetOf = (unit: number): number => (unit >>> 10) << ((unit & (1 << 9)) >>> 6);

/**
 * A place in the trie is the index of a node with its offset applied, so that a step is one exclusive or. Whether a token
 * ends there is known from the step that led to it; see `tokenAt`.
 */
export class Trie {
  readonly #units: Uint32Array;
  readonly root: number;

  /**
   * @param units as the converter writes them: a view is kept
   * @throws Error if there are none, or a token's id is not below `vocabSize`
   */
  constructor(units: Uint32Array, vocabSize: number) {
    const [root] = units;
    if (root === undefined) throw fail('has a trie without a root');
    this.#units = units;
    this.root = offsetOf(root);
    checkIds(
      units.filter((unit) => (unit & IS_TOKEN) !== 0).map((unit) => unit & ID_BITS),
      vocabSize,
    );
  }

  /** The node after one more byte: an index into the units, or `NOWHERE`. */
  step(place: number, byte: number): number {
    const label = labelOf(byte);
    const node = place ^ label;
    const unit = this.#units[node];
    return unit !== undefined && (unit & LABEL_BITS) === label ? node : NOWHERE;
  }

  /** The place of a node that `step` has returned. */
  placeOf(node: number): number {
    return node ^ offsetOf(this.#units[node] as number);
  }

  /** The id of the token that ends in a node that `step` has returned, or `NO_TOKEN`. */
  tokenAt(node: number): number {
    const unit = this.#units[node] as number;
    return (unit & HAS_TOKEN) === 0 ? NO_TOKEN : (this.#units[node ^ offsetOf(unit)] as number) & ID_BITS;
  }

  /** The token with exactly these bytes, or `NO_TOKEN`. */
  find(bytes: Uint8Array, start: number, end: number): number {
    let place = this.root;
    let node = NOWHERE;
    for (let i = start; i < end; i++) {
      node = this.step(place, bytes[i] as number);
      if (node === NOWHERE) return NO_TOKEN;
      place = this.placeOf(node);
    }
    return node === NOWHERE ? NO_TOKEN : this.tokenAt(node);
  }

  /** The place after these bytes, from the root on; `NOWHERE` if no token begins with them. */
  placeAfter(bytes: Uint8Array): number {
    let place = this.root;
    for (const byte of bytes) {
      const node = this.step(place, byte);
      if (node === NOWHERE) return NOWHERE;
      place = this.placeOf(node);
    }
    return place;
  }
}
