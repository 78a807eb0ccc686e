/** @module Choosing the next token from one row of scores: the argmax, or a sample. */
import { NoTokenLeftError } from '../interface/errors.ts';
import { exponential, logarithm } from './elementary.ts';
import type { Random } from './random.ts';

export interface Choice {
  readonly token: number;
  /** The logarithm of its probability in softmax(row). */
  readonly logprob: number;
}

/** The first index of the largest value (`torch.argmax`). */
export function argmax(row: Float32Array): number {
  let best = 0;
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < row.length; i++) {
    const value = row[i] as number;
    if (value > largest) {
      largest = value;
      best = i;
    }
  }
  return best;
}

/**
 * The likeliest token.
 * @throws NoTokenLeftError
 */
export function greedyToken(row: Float32Array): Choice {
  const token = argmax(row);
  const largest = requireToken(row[token] as number);
  let total = 0;
  for (let i = 0; i < row.length; i++) total += exponential((row[i] as number) - largest);
  return { token, logprob: 0 - logarithm(total) };
}

/**
 * Draws a token from softmax(row), with one number of `random`. Overwrites `row` with weights.
 * @throws NoTokenLeftError
 */
export function sampleToken(row: Float32Array, random: Random): Choice {
  const largest = requireToken(row[argmax(row)] as number);
  let total = 0;
  for (let i = 0; i < row.length; i++) {
    row[i] = exponential((row[i] as number) - largest);
    total += row[i] as number;
  }
  let remaining = random() * total;
  let token = 0;
  for (let i = 0; i < row.length; i++) {
    const weight = row[i] as number;
    if (weight === 0) continue;
    remaining -= weight;
    token = i;
    if (remaining < 0) break;
  }
  return { token, logprob: logarithm((row[token] as number) / total) };
}

/** @throws NoTokenLeftError when even the largest score is that of a banned token */
function requireToken(largest: number): number {
  if (largest === Number.NEGATIVE_INFINITY) throw new NoTokenLeftError();
  return largest;
}
