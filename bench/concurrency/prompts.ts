/** @module Uncached prompts: fresh random token ids for each request. */
import { seededRandom } from '../../decoding/math/random.ts';

/** Below the vocabulary size and the end-of-text id of every model. */
const ID_LIMIT = 8000;

/** Draws a prompt of `tokens` random ids. */
export type PromptGenerator = (tokens: number) => number[];

/** Seeded: every run uses the same prompts. */
export function promptSource(): PromptGenerator {
  const random = seededRandom(0);
  return (tokens) => Array.from({ length: tokens }, () => Math.floor(random() * ID_LIMIT));
}
