/** @module A set of characters. */
import { SETS } from './sets.ts';

const ASCII = 0x80;

/** Created when it is first needed (`characterSet`): few tokenizers need any. */
export class CharacterSet {
  /** Begin of each run; runs are outside of the set and inside in turn. */
  readonly #starts: Uint32Array;
  readonly #ascii = new Uint8Array(ASCII);

  constructor(lengths: string) {
    let start = 0;
    this.#starts = Uint32Array.from(lengths.trim().split(/\s+/), (length) => {
      const begin = start;
      start += Number.parseInt(length, 36);
      return begin;
    });
    for (let c = 0; c < ASCII; c++) this.#ascii[c] = Number(this.#search(c));
  }

  has(codePoint: number): boolean {
    return codePoint < ASCII ? this.#ascii[codePoint] === 1 : this.#search(codePoint);
  }

  #search(codePoint: number): boolean {
    let low = 0;
    let high = this.#starts.length; // the run is in [low, high)
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((this.#starts[middle] as number) <= codePoint) low = middle;
      else high = middle;
    }
    return low % 2 === 1;
  }
}

const created = new Map<keyof typeof SETS, CharacterSet>();

export function characterSet(name: keyof typeof SETS): CharacterSet {
  const known = created.get(name);
  if (known) return known;
  const set = new CharacterSet(SETS[name]);
  created.set(name, set);
  return set;
}

/** `White_Space`, which Unicode has not changed since 2012. */
export function isWhiteSpace(codePoint: number): boolean {
  return (
    codePoint === 0x20 ||
    (codePoint >= 0x09 && codePoint <= 0x0d) ||
    (codePoint >= 0x85 && WHITE_SPACE.test(String.fromCodePoint(codePoint)))
  );
}

const WHITE_SPACE = /\p{White_Space}/u;
