/** @module The list of logits processors of a search. */
import { SelectionWorkspace } from '../math/selection.ts';
import type { LogitsProcessor } from '../processors/logits-processor.ts';
import { type BreakerTokenizer, SequenceBreakers } from '../processors/sequence-breakers.ts';
import { OPTIONS, type OptionEntry, type ProcessorContext } from './entries.ts';
import { minTokensToKeep } from './in-place.ts';
import { isUsed, type ResolvedOptions } from './options.ts';

/** The parameters of a search that processors depend on beside its options. */
export type SearchLimits = Pick<
  ProcessorContext,
  'promptLength' | 'eosTokenIds' | 'maxLength' | 'constraint'
>;

/**
 * The processors that the options enable, in the order to run them on each row. They reuse buffers from row
 * to row: all rows of a search share one list, and each search needs its own.
 * @param workspace of any number of searches
 * @param tokenizer for sequence breakers only
 */
export function processorsOf(
  options: ResolvedOptions,
  limits: SearchLimits,
  workspace = new SelectionWorkspace(),
  tokenizer?: BreakerTokenizer,
): LogitsProcessor[] {
  const { num_beams, dry_sequence_breakers } = options;
  const truncation = { minTokensToKeep: minTokensToKeep(num_beams, limits.eosTokenIds.length), workspace };
  const breakers = new SequenceBreakers(dry_sequence_breakers, tokenizer);
  const context = { ...options, ...limits, truncation, breakers };
  const entries: [string, OptionEntry][] = Object.entries(OPTIONS);
  return entries.flatMap(([name, entry]) => {
    if (!isUsed(entry, options)) return [];
    return entry.processor?.(options[name as keyof ResolvedOptions], context) || [];
  });
}
