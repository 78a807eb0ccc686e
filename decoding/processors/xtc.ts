/** @module XTC ("exclude top choices"), as llama.cpp's `llama_sampler_xtc`, after p-e-w. */
import { exponential } from '../math/elementary.ts';
import { largestScore } from '../math/softmax.ts';
import type { LogitsProcessor } from './logits-processor.ts';

export interface XtcOptions {
  /** How often tokens are removed. */
  readonly probability: number;
  /** From which probability on a token is a top choice. Above 0.5 there are never two. */
  readonly threshold: number;
  /** By which the scores have been divided: llama.cpp does so after XTC. */
  readonly temperature: number;
  /** The least number of tokens that remain. */
  readonly minTokensToKeep: number;
}

/**
 * Removes all tokens of at least the threshold's probability but the least likely of them: of equal ones the last one
 * stays. The random number of a row is its own, drawn whether or not it decides anything.
 */
export function xtc({ probability, threshold, temperature, minTokensToKeep }: XtcOptions): LogitsProcessor {
  return function xtc(scores, _, { random } = {}) {
    if (!random) throw new Error('XTC draws random numbers, and none were given');
    if (random() >= probability || threshold > 0.5) return;
    const largest = largestScore(scores);
    // Before the temperature, a distance from the largest score was so many times as large.
    const weightOf = (score: number) => exponential((score - largest) * temperature);
    let total = 0;
    let left = 0;
    for (const score of scores) {
      if (score === Number.NEGATIVE_INFINITY) continue;
      total += weightOf(score);
      left++;
    }
    const top: number[] = [];
    scores.forEach((score, token) => {
      if (score !== Number.NEGATIVE_INFINITY && weightOf(score) >= threshold * total) top.push(token);
    });
    const kept = top.reduce(
      (least, token) => ((scores[token] as number) <= (scores[least] as number) ? token : least),
      top[0] ?? 0,
    );
    if (top.length < 2 || left - top.length + 1 < minTokensToKeep) return;
    for (const token of top) if (token !== kept) scores[token] = Number.NEGATIVE_INFINITY;
  };
}
