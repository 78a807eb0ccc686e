/**
 * @module DRY ("don't repeat yourself"): a token is penalized if it would make the text go on like an earlier place of it,
 * the more, the longer both have been the same. As llama.cpp's `llama_sampler_dry`, after p-e-w and pi6am.
 */
import { logarithm } from '../math/elementary.ts';
import type { LogitsProcessor } from './logits-processor.ts';
import type { SequenceBreakers } from './sequence-breakers.ts';

export interface DryOptions {
  readonly multiplier: number;
  /** The penalty is multiplier · base ^ (length - `allowedLength`). */
  readonly base: number;
  /** A repetition of fewer tokens costs nothing. */
  readonly allowedLength: number;
  /** Number of last tokens, prompt included, in which repetitions are looked for; -1: all. */
  readonly lastTokens: number;
}

/** ln of the largest float32: llama.cpp's bound of a power. */
const LARGEST_EXPONENT = 88.7228391;
/** From here on it has no exponent's bound, as in llama.cpp. */
const LEAST_BOUNDED_BASE = 1.000001;
/** That of other options: sums of scores stay finite. */
const LARGEST_PENALTY = 1e9;

/** @param breakers end repetitions, and are not penalized if they are one token */
export function dry(
  { multiplier, base, allowedLength, lastTokens }: DryOptions,
  breakers: SequenceBreakers,
): LogitsProcessor {
  const factor = Math.fround(multiplier);
  const float = Math.fround(base);
  const largest = float > LEAST_BOUNDED_BASE ? Math.trunc(LARGEST_EXPONENT / logarithm(float)) : 0;
  return function dry(scores, { tokens, length }) {
    const count = lastTokens < 0 ? length : Math.min(lastTokens, length);
    if (count <= allowedLength) return;
    const last = tokens.subarray(length - count, length);
    const longest = lengthAfterBreaker(last, breakers);
    if (longest < allowedLength) return;
    for (const [token, repeated] of repetitions(last, longest, allowedLength)) {
      if (breakers.restsAfter(token).some((rest) => rest.length === 0)) continue;
      const exponent = repeated - allowedLength;
      const power = powerOf(float, largest > 0 ? Math.min(exponent, largest) : exponent);
      const penalty = Math.fround(Math.min(factor * power, LARGEST_PENALTY));
      scores[token] = (scores[token] as number) - penalty;
    }
  };
}

/** The number of tokens after the last breaker: no repetition is longer. */
function lengthAfterBreaker(last: Int32Array, breakers: SequenceBreakers): number {
  for (let i = 0; i < last.length; i++) {
    const at = last.length - 1 - i;
    const rests = breakers.restsAfter(last[at] as number);
    const matching = rests.filter(
      (rest) => rest.length <= i && rest.every((token, j) => token === last[at + 1 + j]),
    );
    if (matching.length > 0) return i - Math.max(...matching.map((rest) => rest.length));
  }
  return last.length;
}

/**
 * For each token that follows an earlier occurrence of the text's end: the length of the longest one, at most `longest`.
 * The Z-algorithm over the reversed text takes as many steps as there are tokens.
 */
function repetitions(last: Int32Array, longest: number, least: number): Map<number, number> {
  const n = last.length;
  const at = (i: number) => last[n - 1 - i];
  // How far the text that ends `k` tokens before the end is that of the end.
  const same = new Int32Array(n);
  const found = new Map<number, number>();
  let [left, right] = [0, 0];
  for (let k = 1; k < n; k++) {
    let length = k < right ? Math.min(right - k, same[k - left] as number) : 0;
    while (k + length < n && at(length) === at(k + length)) length++;
    same[k] = length;
    if (k + length > right) [left, right] = [k, k + length];
    const token = at(k - 1) as number;
    const repeated = Math.min(length, longest);
    if (repeated >= least && repeated >= (found.get(token) ?? 0)) found.set(token, repeated);
  }
  return found;
}

/** `base` to a whole power, by multiplications only, which every JavaScript engine rounds alike. */
function powerOf(base: number, exponent: number): number {
  let power = 1;
  for (let bits = exponent, square = base; bits > 0; bits = Math.floor(bits / 2), square *= square) {
    if (bits % 2 === 1) power *= square;
  }
  return power;
}
