/** @module Choosing the next token from one row of logits. */
import type { Random } from './random.ts';

/** The first index of the largest value (`torch.argmax`). */
export function argmax(row: Float32Array): number {
  let best = 0;
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < row.length; i++) {
    // The bound holds: i < row.length.
    const value = row[i] as number;
    if (value > largest) {
      largest = value;
      best = i;
    }
  }
  return best;
}

/**
 * Draws an index from softmax(row / temperature). Overwrites `row` with its unnormalised probabilities.
 * @param temperature above 0
 */
export function sample(row: Float32Array, temperature: number, random: Random): number {
  const largest = row[argmax(row)] as number;
  let total = 0;
  for (let i = 0; i < row.length; i++) {
    const weight = Math.exp(((row[i] as number) - largest) / temperature);
    row[i] = weight;
    total += row[i] as number;
  }
  let left = random() * total;
  let last = 0;
  for (let i = 0; i < row.length; i++) {
    const weight = row[i] as number;
    if (weight === 0) continue;
    left -= weight;
    last = i;
    if (left < 0) break;
  }
  return last;
}
