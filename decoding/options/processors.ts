/** @module The logits processors of a search. */
import { SelectionWorkspace } from '../math/selection.ts';
import type { LogitsProcessor } from '../processors/logits-processor.ts';
import { OPTIONS, type OptionEntry, type ProcessorContext } from './entries.ts';
import { isUsed, type ResolvedOptions } from './options.ts';

/** What processors need to know of a search beside its options. */
export type SearchLimits = Pick<ProcessorContext, 'promptLength' | 'eosTokenIds' | 'maxLength'>;

/**
 * The processors that the options ask for, to run one after the other on each row. They keep memory, `workspace` among it,
 * from row to row: two searches need each their own, the rows of one share them.
 */
export function processorsOf(
  options: ResolvedOptions,
  limits: SearchLimits,
  workspace = new SelectionWorkspace(),
): LogitsProcessor[] {
  // Transformers' warpers keep a token besides every end for each beam.
  const minTokensToKeep = options.num_beams > 1 ? Math.max(limits.eosTokenIds.length, 1) + 1 : 1;
  const { presence_penalty } = options;
  const context = { ...limits, presence_penalty, truncation: { minTokensToKeep, workspace } };
  const entries: [string, OptionEntry][] = Object.entries(OPTIONS);
  return entries.flatMap(([name, entry]) => {
    if (!isUsed(entry, options)) return [];
    return entry.processor?.(options[name as keyof ResolvedOptions], context) || [];
  });
}
