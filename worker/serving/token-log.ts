/** @module Tokens and their log-probabilities in typed arrays: a tenth of what objects take. */
import type { ModelLogprobs } from '../../decoding/interface/events.ts';

const ID_BYTES = Int32Array.BYTES_PER_ELEMENT;
/** The model's log-probabilities are float32, so nothing is lost. */
const LOGPROB_BYTES = Float32Array.BYTES_PER_ELEMENT;
const RANK_BYTES = Int32Array.BYTES_PER_ELEMENT;

export class TokenLog {
  /** [length] */
  readonly tokens: Int32Array;
  /** [length] NaN for a token without one: the first of a prompt. */
  readonly #logprobs: Float32Array | undefined;
  /** [length, top] The likeliest tokens at each position, and their log-probabilities. */
  readonly #topTokens: Int32Array;
  readonly #topLogprobs: Float32Array;
  readonly #top: number;
  /** [length] Of a prompt's tokens; 0 for the first, which has none. */
  readonly #ranks: Int32Array | undefined;

  /**
   * @param logprobs one per token, or none at all
   * @param top number of likeliest tokens at each position
   */
  constructor(tokens: ArrayLike<number>, logprobs: readonly (ModelLogprobs | null)[] | null, top = 0) {
    this.tokens = Int32Array.from(tokens);
    this.#top = top;
    const count = logprobs ? tokens.length * top : 0;
    this.#logprobs = logprobs
      ? Float32Array.from(logprobs, (entry) => entry?.logprob ?? Number.NaN)
      : undefined;
    this.#ranks = logprobs?.some((entry) => entry?.rank !== undefined)
      ? Int32Array.from(logprobs, (entry) => entry?.rank ?? 0)
      : undefined;
    this.#topTokens = new Int32Array(count);
    this.#topLogprobs = new Float32Array(count);
    for (const [i, entry] of logprobs?.entries() ?? []) {
      this.#topTokens.set(entry?.top.map(({ token }) => token) ?? [], i * top);
      this.#topLogprobs.set(entry?.top.map(({ logprob }) => logprob) ?? [], i * top);
    }
  }

  /** Bytes of a token with its log-probabilities. @param top as in the constructor; undefined for none */
  static bytesPerToken(top: number | undefined): number {
    return ID_BYTES + (top === undefined ? 0 : LOGPROB_BYTES + top * (ID_BYTES + LOGPROB_BYTES));
  }

  /** The same of a prompt's token, which has its rank too. */
  static bytesPerPromptToken(top: number): number {
    return TokenLog.bytesPerToken(top) + RANK_BYTES;
  }

  get length(): number {
    return this.tokens.length;
  }

  tokenAt(index: number): number {
    const token = this.tokens[index];
    if (token === undefined) throw new RangeError(`there is no token ${index}`);
    return token;
  }

  /** The log-probability of the token at `index`, or null if it has none. */
  logprobAt(index: number): number | null {
    const logprob = this.#logprobs?.[index] ?? Number.NaN;
    return Number.isNaN(logprob) ? null : logprob;
  }

  /** The same with the likeliest tokens. @param count of them; default: all that there are */
  at(index: number, count = this.#top): ModelLogprobs | null {
    const logprob = this.logprobAt(index);
    if (logprob === null) return null;
    const top: { token: number; logprob: number }[] = [];
    const first = index * this.#top;
    for (let i = first; i < first + Math.min(count, this.#top); i++) {
      top.push({ token: this.#topTokens[i] as number, logprob: this.#topLogprobs[i] as number });
    }
    const rank = this.#ranks?.[index];
    return { logprob, top, ...(rank !== undefined && { rank }) };
  }
}
