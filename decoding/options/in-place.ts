/**
 * @module Which searches read the best of a row in place, if the model lends its logits, and which need the row.
 */
import { OPTIONS, type OptionEntry, type OptionName } from './entries.ts';
import { isNeutral, isUsed, type ResolvedOptions } from './options.ts';

/** Processors that keep the order of scores, or only lower those of given tokens. */
const WARPERS: readonly OptionName[] = ['temperature', 'top_k', 'top_p'];
const GROUPS: readonly OptionName[] = ['diversity_penalty'];
/** Up to this number, the best of a row are much smaller than the row. */
export const MAX_BEST = 1024;

type SearchWidth = Pick<ResolvedOptions, 'num_beams' | 'num_beam_groups'>;

/** The minimum number of tokens that sampling keeps: transformers' `_get_logits_processor`. */
export function minTokensToKeep(num_beams: number, eosCount: number): number {
  // In beam search transformers' warpers keep one token beside the end-of-text tokens.
  return num_beams > 1 ? Math.max(eosCount, 1) + 1 : 1;
}

/**
 * The number of candidates that a group of beams needs: even if every beam ends with each end-of-text token, enough
 * of them remain to continue with (`beams_to_keep` in transformers).
 */
export function candidateCount({ num_beams, num_beam_groups }: SearchWidth, eosCount: number): number {
  return Math.max(2, 1 + eosCount) * (num_beams / num_beam_groups);
}

/** The number of tokens of each row that a beam search in place extends its beams by, beside ties of the last. */
export function bestOfBeam(
  options: SearchWidth & Pick<ResolvedOptions, 'do_sample' | 'top_k'>,
  eosCount: number,
): number {
  const { do_sample, top_k, num_beams, num_beam_groups } = options;
  if (do_sample) return Math.max(top_k, minTokensToKeep(num_beams, eosCount));
  // The penalty lowers at most the tokens that other groups chose.
  const penalized = num_beam_groups > 1 ? num_beams : 0;
  return candidateCount(options, eosCount) + penalized;
}

/**
 * Whether the search reads its rows in place. It has no rows of its own then. Only if a row has no softmax, or too many
 * ties, sampling takes one for a moment, and a beam until the next step.
 */
export function readsInPlace(options: ResolvedOptions): boolean {
  const { num_beams, do_sample, top_k, logprobs, presence_penalty, eos_token_id } = options;
  if (logprobs !== undefined || presence_penalty !== 0) return false;
  const supported = do_sample ? WARPERS : GROUPS;
  const names = Object.keys(OPTIONS) as OptionName[];
  if (names.some((name) => !supported.includes(name) && hasProcessor(name, options))) return false;
  if (num_beams === 1) return true;
  // Without top_k, any number of tokens may remain of each row.
  if (do_sample && top_k === 0) return false;
  return bestOfBeam(options, eos_token_id?.length ?? 1) <= MAX_BEST;
}

/** Whether an option adds a processor; also true for some values that would not. */
function hasProcessor(name: OptionName, options: ResolvedOptions): boolean {
  const entry: OptionEntry = OPTIONS[name];
  if (!entry.processor || !isUsed(entry, options) || isNeutral(name, options)) return false;
  const value = options[name];
  return typeof value !== 'object' || Object.keys(value).length > 0;
}
