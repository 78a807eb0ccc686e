/** @module Greedy search and sampling from a row that a model lends, with the bits of `math/sample-token.ts`. */
import type { LogitsRow, TokenLogits } from '../interface/logits-row.ts';
import { logarithm } from '../math/elementary.ts';
import type { Random } from '../math/random.ts';
import { type Choice, greedyToken, sampleToken } from '../math/sample-token.ts';
import type { SelectionWorkspace } from '../math/selection.ts';
import type { ResolvedOptions } from '../options/options.ts';
import { divided, divisorOf, temperature } from '../processors/rescaling.ts';
import { keepNucleus, topK } from '../processors/top-k-top-p.ts';
import { bestTokens } from './best-tokens.ts';

/** Chooses a token; undefined if that needs the whole row. */
export type Chooser = (row: LogitsRow, random: Random) => Choice | undefined;

export const greedyChoice: Chooser = (row) => {
  const { largest, total } = row.normalizer(1);
  if (Number.isNaN(total)) return undefined;
  return { token: row.indexOf(largest), logprob: 0 - logarithm(total) };
};

/** Chooses a token by the logits of those that may be chosen, ascending. Overwrites them. */
export type ChooserAmong = (tokens: Uint32Array, logits: Float32Array, random: Random) => Choice;

export const greedyAmong: ChooserAmong = (tokens, logits) => {
  const { token, logprob } = greedyToken(logits);
  return { token: tokens[token] as number, logprob };
};

/** Sampling with no processors but `temperature`, `top_k` and `top_p`. */
export function sampledAmong(
  { temperature: degree, top_k, top_p }: ResolvedOptions,
  workspace: SelectionWorkspace,
): (...args: [...Parameters<ChooserAmong>, total?: number]) => Choice {
  const truncation = { minTokensToKeep: 1, workspace };
  const [rescale, keepBest] = [temperature(degree), topK(top_k, truncation)];
  return (tokens, scores, random, total) => {
    rescale(scores, NO_TOKENS);
    if (top_k > 0) keepBest(scores, NO_TOKENS);
    if (top_p < 1) keepNucleus(scores, top_p, truncation, total);
    const { token, logprob } = sampleToken(scores, random);
    return { token: tokens[token] as number, logprob };
  };
}

/** The same, from a whole row. */
export function sampledChoice(options: ResolvedOptions, workspace: SelectionWorkspace): Chooser {
  const { temperature: degree, top_k, top_p } = options;
  const divisor = divisorOf(degree);
  const chooseAmong = sampledAmong(options, workspace);

  /** The tokens that can remain, and with top-p alone the sum over the whole row. */
  function candidates(row: LogitsRow): (TokenLogits & { readonly total?: number }) | undefined {
    if (top_k > 0) return bestTokens(row, top_k, (logit) => divided(logit, degree));
    const { total, least } = row.nucleus(divisor, top_p);
    const tokens = Number.isNaN(total) ? undefined : row.atLeast(least);
    return tokens && { ...tokens, total };
  }

  return (row, random) => {
    if (top_k === 0 && top_p === 1) return drawn(row, divisor, random);
    const found = candidates(row);
    if (!found) return undefined;
    return chooseAmong(found.tokens, found.logits.slice(), random, found.total);
  };
}

function drawn(row: LogitsRow, divisor: number, random: Random): Choice | undefined {
  const { token, probability } = row.draw(divisor, random());
  return Number.isNaN(probability) ? undefined : { token, logprob: logarithm(probability) };
}

/** These processors do not depend on the text so far. */
const NO_TOKENS = { tokens: new Int32Array(0), length: 0 };
