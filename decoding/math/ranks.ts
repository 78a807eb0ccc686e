/** @module Ranks of tokens in a row of logits. */

/**
 * The ranks of tokens in a row, from 1. Of equal logits, the smaller token comes first, as in greedy search.
 * @param tokens different ones
 */
export function ranksOf(values: Float32Array, tokens: readonly number[]): Map<number, number> {
  const logitOf = (token: number) => values[token] as number;
  const wanted = [...tokens].sort((a, b) => logitOf(b) - logitOf(a) || a - b);
  /** `before[i]`: the tokens of the vocabulary that come before wanted[i], and not before wanted[i - 1]. */
  const before = new Uint32Array(wanted.length + 1);
  const last = wanted.at(-1);
  const least = last === undefined ? Number.POSITIVE_INFINITY : logitOf(last);
  for (let token = 0; token < values.length; token++) {
    const logit = values[token] as number;
    if (logit < least) continue;
    let [low, high] = [0, wanted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = wanted[middle] as number;
      const isBefore = logit > logitOf(other) || (logit === logitOf(other) && token < other);
      if (isBefore) high = middle;
      else low = middle + 1;
    }
    before[low] = (before[low] as number) + 1;
  }
  let count = 0;
  return new Map(
    wanted.map((token, i) => {
      count += before[i] as number;
      return [token, count + 1];
    }),
  );
}
