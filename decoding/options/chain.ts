/** @module The processors that options ask for, in the order of transformers 5.18.0 (`_get_logits_processor`). */

import { renormalizeLogits } from '../math/log-softmax.ts';
import { SelectionWorkspace } from '../math/selection.ts';
import { epsilonCutoff, etaCutoff, minP } from '../processors/cutoffs.ts';
import { exponentialDecayLengthPenalty, forcedEos, minLength, minNewTokens } from '../processors/length.ts';
import type { LogitsProcessor } from '../processors/logits-processor.ts';
import {
  frequencyPresencePenalty,
  hammingDiversity,
  noRepeatNgram,
  repetitionPenalty,
} from '../processors/repetition.ts';
import { badWords, bannableWords, sequenceBias } from '../processors/sequence-bias.ts';
import {
  allowedTokens,
  beginSuppressTokens,
  removeInvalidValues,
  suppressTokens,
} from '../processors/suppression.ts';
import { temperature } from '../processors/temperature.ts';
import { topH } from '../processors/top-h.ts';
import { topK } from '../processors/top-k.ts';
import { topP } from '../processors/top-p.ts';
import { typicalP } from '../processors/typical-p.ts';
import type { ResolvedOptions } from './options.ts';

export interface ProcessorContext {
  readonly promptLength: number;
  /** None: nothing about the end of text applies. */
  readonly eosTokenIds: readonly number[];
  /** Prompt and max_new_tokens. */
  readonly maxLength: number;
  /** What the groups of beams before have taken in this step. */
  readonly taken: readonly number[];
}

/**
 * The processors to run one after the other on each row. They keep memory, `workspace` among it, from row to row, so that two generations
 * need each their own; the rows of one may share them.
 * @throws {RangeError} if a token is not in the vocabulary that can only be meant to be
 */
export function processorsOf(
  options: ResolvedOptions,
  context: ProcessorContext,
  workspace = new SelectionWorkspace(),
): LogitsProcessor[] {
  const processors = constraints(options, context);
  if (options.do_sample) processors.push(...warpers(options, context.eosTokenIds, workspace));
  if (options.renormalize_logits) processors.push(renormalizeLogits());
  // The reference, too, has it after everything, so that a row's probabilities may add up to less than 1.
  if (options.num_beam_groups > 1) {
    processors.push(hammingDiversity(options.diversity_penalty, context.taken));
  }
  return processors;
}

/** What applies to every search. What the reference does not know comes last, where it puts a caller's own. */
function constraints(
  options: ResolvedOptions,
  { promptLength, eosTokenIds, maxLength }: ProcessorContext,
): LogitsProcessor[] {
  const { sequence_bias, repetition_penalty, no_repeat_ngram_size, bad_words_ids } = options;
  const { min_length, min_new_tokens, forced_eos_token_id, exponential_decay_length_penalty } = options;
  const { suppress_tokens, begin_suppress_tokens, allowed_token_ids } = options;
  const { frequency_penalty, presence_penalty } = options;
  const tokenBiases = biasesOf(options);
  const words = bannableWords(bad_words_ids, eosTokenIds);
  const ends = eosTokenIds.length > 0;
  return present([
    sequence_bias.length > 0 && sequenceBias(sequence_bias),
    tokenBiases.length > 0 && sequenceBias(tokenBiases),
    repetition_penalty !== 1 && repetitionPenalty(repetition_penalty),
    no_repeat_ngram_size > 0 && noRepeatNgram(no_repeat_ngram_size),
    words.length > 0 && badWords(words),
    ends && min_length > 0 && minLength(min_length, eosTokenIds),
    ends && min_new_tokens > 0 && minNewTokens(min_new_tokens, promptLength, eosTokenIds),
    forced_eos_token_id && forcedEos(maxLength, forced_eos_token_id),
    options.remove_invalid_values && removeInvalidValues(),
    ends &&
      exponential_decay_length_penalty &&
      exponentialDecayLengthPenalty(exponential_decay_length_penalty, promptLength, eosTokenIds),
    suppress_tokens.length > 0 && suppressTokens(suppress_tokens),
    begin_suppress_tokens.length > 0 && beginSuppressTokens(begin_suppress_tokens, promptLength),
    (frequency_penalty !== 0 || presence_penalty !== 0) &&
      frequencyPresencePenalty(frequency_penalty, presence_penalty, promptLength),
    allowed_token_ids && allowedTokens(allowed_token_ids),
  ]);
}

/** What applies only to sampling. */
function warpers(
  options: ResolvedOptions,
  eosTokenIds: readonly number[],
  workspace: SelectionWorkspace,
): LogitsProcessor[] {
  const { top_h, top_k, top_p, min_p, typical_p, epsilon_cutoff, eta_cutoff } = options;
  // Beams need a token besides every end.
  const minTokensToKeep = options.num_beams > 1 ? Math.max(eosTokenIds.length, 1) + 1 : 1;
  const truncation = { minTokensToKeep, workspace };
  return present([
    options.temperature !== 1 && temperature(options.temperature),
    top_h !== undefined && topH(top_h, truncation),
    top_k > 0 && topK(top_k, truncation),
    top_p < 1 && topP(top_p, truncation),
    min_p !== undefined && minP(min_p, truncation),
    typical_p < 1 && typicalP(typical_p, truncation),
    epsilon_cutoff > 0 && epsilonCutoff(epsilon_cutoff, truncation),
    eta_cutoff > 0 && etaCutoff(eta_cutoff, truncation),
  ]);
}

function present(processors: readonly (LogitsProcessor | false | undefined)[]): LogitsProcessor[] {
  return processors.filter((processor) => typeof processor === 'function');
}

function biasesOf({ logit_bias }: ResolvedOptions): [number[], number][] {
  return Object.entries(logit_bias).map(([id, bias]) => [[Number(id)], bias]);
}
