/** @module Checks of options against a model, a prompt and a constraint. */
import type { Trie } from '../catalogue/trie.ts';
import type { Constraint } from '../constraints/automaton/constraint.ts';
import { DecodingOptionsError } from '../interface/errors.ts';
import type { LanguageModel } from '../interface/token-tree.ts';
import type { BreakerTokenizer } from '../processors/sequence-breakers.ts';
import { negativeLength } from './capacity.ts';
import { checkWindow } from './context-window.ts';
import { OPTIONS, type OptionEntry } from './entries.ts';
import type { ResolvedOptions } from './options.ts';

/**
 * @throws DecodingOptionsError for a length beyond the context, unless `truncation` is auto, whose own options are checked
 *   then; RangeError for a prompt without tokens
 */
export function checkLength(
  options: ResolvedOptions,
  model: Pick<LanguageModel, 'contextLength' | 'maxNodes'>,
  promptLength: number,
): void {
  if (promptLength === 0) throw new RangeError('the prompt has no tokens');
  if (options.truncation === 'auto') {
    checkWindow(options, model, promptLength);
    return;
  }
  const { contextLength } = model;
  const { max_new_tokens } = options;
  const negative = negativeLength(options);
  if (negative > 0 && negative + max_new_tokens > contextLength) {
    const most = contextLength - max_new_tokens;
    const rule = `must have at most ${most} tokens before ${max_new_tokens} in a context of ${contextLength}`;
    throw new DecodingOptionsError('negative_prompt_ids', `'negative_prompt_ids' ${rule}, not ${negative}`);
  }
  const available = contextLength - promptLength;
  if (max_new_tokens <= available) return;
  throw new DecodingOptionsError(
    'max_new_tokens',
    `'max_new_tokens' must be at most ${available} after a prompt of ${promptLength} in a context of ` +
      `${contextLength} tokens, not ${max_new_tokens}`,
  );
}

/** @throws DecodingOptionsError for a token id outside the vocabulary */
export function checkTokenIds(
  options: ResolvedOptions,
  { vocabSize }: Pick<LanguageModel, 'vocabSize'>,
): void {
  const entries: [string, OptionEntry][] = Object.entries(OPTIONS);
  for (const [name, { tokenIds }] of entries) {
    const ids = tokenIds?.(options[name as keyof ResolvedOptions]) ?? [];
    const outside = ids.find((id) => id >= vocabSize);
    if (outside === undefined) continue;
    const rule = `must have token ids below ${vocabSize}, the size of the vocabulary`;
    throw new DecodingOptionsError(name, `'${name}' ${rule}, not ${outside}`);
  }
}

/**
 * @param constraint begins with the bytes of the tokens that were taken off a healed prompt
 * @param removed number of these tokens, for which there is room beside `max_new_tokens`
 * @throws DecodingOptionsError for a length without room for any whole text of the constraint, and for an option
 *   that needs a constraint without one
 */
export function checkConstraint(
  { max_new_tokens, allow_incomplete, forced_eos_token_id }: ResolvedOptions,
  constraint: Constraint | undefined,
  removed = 0,
): void {
  if (!constraint) {
    if (!allow_incomplete) return;
    throw new DecodingOptionsError(
      'allow_incomplete',
      "'allow_incomplete' needs a constraint, and none was given",
    );
  }
  if (allow_incomplete || max_new_tokens === 0) return;
  // What the text needs beside the form itself: a forced end, and not the room of a prompt's last tokens.
  const more = (forced_eos_token_id ? 1 : 0) - removed;
  if (constraint.fits(max_new_tokens - more)) return;
  throw new DecodingOptionsError(
    'max_new_tokens',
    `'max_new_tokens' must be at least ${constraint.leastTokens() + more} for a whole text of the constraint, ` +
      `not ${max_new_tokens}`,
  );
}

/**
 * @throws DecodingOptionsError for the name of a catalogue without one, the other way round, and for a length without
 *   room for its longest entry
 */
export function checkCatalogue(
  { catalogue: name, max_new_tokens }: ResolvedOptions,
  catalogue: Pick<Trie, 'levels'> | undefined,
): void {
  if (!catalogue) {
    if (name === undefined) return;
    throw new DecodingOptionsError('catalogue', `there is no catalogue ${name}`);
  }
  if (name === undefined) throw new DecodingOptionsError('catalogue', "'catalogue' must name the catalogue");
  const longest = catalogue.levels.length - 1;
  if (max_new_tokens >= longest) return;
  throw new DecodingOptionsError(
    'max_new_tokens',
    `'max_new_tokens' must be at least ${longest}, the tokens of the longest entry of '${name}', not ${max_new_tokens}`,
  );
}

/** @throws DecodingOptionsError for stop strings without a tokenizer, and for sequence breakers without one that encodes */
export function checkTokenizer(options: ResolvedOptions, tokenizer: BreakerTokenizer | undefined): void {
  const { dry_multiplier, dry_sequence_breakers } = options;
  if (dry_multiplier > 0 && dry_sequence_breakers.length > 0 && !tokenizer?.encode) {
    const rule =
      "'dry_sequence_breakers' need a tokenizer with 'encode', and none was given: [] asks for none";
    throw new DecodingOptionsError('dry_sequence_breakers', rule);
  }
  for (const name of ['stop_strings', 'stop'] as const) {
    if (options[name].length === 0 || tokenizer !== undefined) continue;
    throw new DecodingOptionsError(name, `'${name}' needs a tokenizer, and none was given`);
  }
}
