/** @module The texts at which DRY stops looking for repetitions, as tokens. */

/** The part of a tokenizer that sequence breakers need. */
export interface BreakerTokenizer {
  /** The UTF-8 bytes of a token. */
  tokenBytes(id: number): Uint8Array;
  /** Also of a special token that texts do not show: llama.cpp finds breakers in its name. Default: `tokenBytes`. */
  allBytes?(id: number): Uint8Array;
  /** The tokens of a text alone: without those of a template, and special tokens are text. None if it has none. */
  encode?(text: string): ArrayLike<number>;
}

/** Tokens of a breaker's rest that count, as in llama.cpp. */
const MAX_REST = 20;
/** Tokens whose breakers are known: most of a text are its last ones, or come again. */
const MAX_KNOWN = 512;
const WHOLE: readonly number[] = [];
const NO_RESTS: readonly (readonly number[])[] = [];
/** Of a rest that no tokens have. */
const NOWHERE: readonly number[] = [-1];

export class SequenceBreakers {
  readonly #breakers: readonly Uint8Array[];
  readonly #tokenizer: BreakerTokenizer | undefined;
  /** Of the tokens that were asked for last. */
  readonly #ofTokens = new Map<number, readonly (readonly number[])[]>();
  readonly #encoded = new Map<string, readonly number[]>();

  /** @param tokenizer not needed without texts */
  constructor(texts: readonly string[], tokenizer: BreakerTokenizer | undefined) {
    this.#breakers = texts.map((text) => new TextEncoder().encode(text));
    this.#tokenizer = tokenizer;
  }

  /**
   * The ways in which breakers can begin in a token (llama.cpp's `get_overlapping_token_sequences`): the tokens that have
   * the rest of one; none of them where the token has a whole breaker.
   */
  restsAfter(token: number): readonly (readonly number[])[] {
    let rests = this.#ofTokens.get(token);
    if (!rests) {
      const tokenizer = this.#tokenizer;
      const bytes = tokenizer?.allBytes?.(token) ?? tokenizer?.tokenBytes(token) ?? new Uint8Array();
      const all = this.#breakers.flatMap((breaker) =>
        overlaps(bytes, breaker).map((length) => this.#encode(breaker.subarray(length))),
      );
      rests = all.length > 0 ? all : NO_RESTS;
      if (this.#ofTokens.size === MAX_KNOWN) this.#ofTokens.clear();
      this.#ofTokens.set(token, rests);
    }
    return rests;
  }

  #encode(bytes: Uint8Array): readonly number[] {
    if (bytes.length === 0) return WHOLE;
    const text = new TextDecoder().decode(bytes);
    let ids = this.#encoded.get(text);
    if (!ids) {
      const encoded = Array.from(this.#tokenizer?.encode?.(text) ?? []).slice(0, MAX_REST);
      ids = encoded.length > 0 ? encoded : NOWHERE;
      this.#encoded.set(text, ids);
    }
    return ids;
  }
}

/**
 * The numbers of a breaker's bytes with which it can begin in a token: all of them if the token has the whole breaker,
 * else those that the token ends in.
 */
function overlaps(bytes: Uint8Array, breaker: Uint8Array): number[] {
  const first = breaker[0] as number;
  const lengths: number[] = [];
  for (let start = bytes.indexOf(first); start >= 0; start = bytes.indexOf(first, start + 1)) {
    const length = Math.min(breaker.length, bytes.length - start);
    if (!breaker.subarray(0, length).every((byte, i) => byte === bytes[start + i])) continue;
    if (length === breaker.length) return [length];
    lengths.push(length);
  }
  return lengths;
}
