/**
 * @module Softmax of a row of scores. Exponentials, sums and logarithms are doubles; torch's are floats.
 *
 * A row that contains NaN or +Infinity, or only -Infinity, has no softmax: every result is NaN, as in torch.
 */
import type { Normalizer } from '../interface/logits-row.ts';
import { exponential, logarithm } from './elementary.ts';

/** The largest score; NaN if the row has no softmax. */
export function largestScore(scores: Float32Array): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i] as number;
    // Negated, so that NaN counts as larger.
    if (!(score <= largest)) largest = score;
    if (Number.isNaN(score)) break;
  }
  return Number.isFinite(largest) ? largest : Number.NaN;
}

/** Writes the unnormalised probabilities, exp(score - largest), to `weights [vocab_size]`. */
export function softmaxWeights(scores: Float32Array, weights: Float64Array): Normalizer {
  const largest = largestScore(scores);
  let total = 0;
  for (let i = 0; i < scores.length; i++) {
    const weight = exponential((scores[i] as number) - largest);
    weights[i] = weight;
    total += weight;
  }
  return { largest, total };
}

/**
 * The entropy H = -Σ p·ln p in nats, from the result of `softmaxWeights`; a probability of 0 contributes 0.
 */
export function entropy(scores: Float32Array, weights: Float64Array, { largest, total }: Normalizer): number {
  let sum = 0;
  for (let i = 0; i < scores.length; i++) {
    const weight = weights[i] as number;
    if (weight > 0) sum += weight * ((scores[i] as number) - largest);
  }
  return logarithm(total) - sum / total;
}

export function normalizerOf(row: Float32Array): Normalizer {
  const largest = largestScore(row);
  let total = 0;
  for (let i = 0; i < row.length; i++) total += exponential((row[i] as number) - largest);
  return { largest, total };
}

/** The entropy of a row whose weights nobody has kept, in nats. */
export function entropyOf(row: Float32Array, { largest, total }: Normalizer): number {
  let sum = 0;
  for (let i = 0; i < row.length; i++) {
    const score = (row[i] as number) - largest;
    const weight = exponential(score);
    if (weight > 0) sum += weight * score;
  }
  return logarithm(total) - sum / total;
}

/** `torch.log_softmax(row)` in place: row - largest - ln Σ exp(row - largest), rounded once. */
export function logSoftmax(row: Float32Array): void {
  const { largest, total } = normalizerOf(row);
  const logTotal = logarithm(total);
  for (let i = 0; i < row.length; i++) row[i] = (row[i] as number) - largest - logTotal;
}
