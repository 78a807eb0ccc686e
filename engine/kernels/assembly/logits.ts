/**
 * Entry of the module `logits`: what decoding asks of a row of logits, computed where the row lies.
 * `engine/kernels/logits.ts` describes the functions.
 */
export { fillExponentialTable } from './exponential';
export { collect, indexOf, kthLargest, largest } from './logits-best';
export { addToNormalizer, countExponentials, draw, sumExponentials, sumWeights, weightOf } from './logits-sums';
