/** @module Prompts that no cache can know: token ids drawn anew each time. */
import { seededRandom } from '../../decoding/math/random.ts';

/** Fewer than any of the models knows, and none of them ends a text. */
const IDS = 8000;

/** So many token ids. */
export type DrawPrompt = (tokens: number) => number[];

/** The same prompts in every run. */
export function promptSource(): DrawPrompt {
  const random = seededRandom(0);
  return (tokens) => Array.from({ length: tokens }, () => Math.floor(random() * IDS));
}
