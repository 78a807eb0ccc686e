/**
 * @module The tokens of a text that the model sees, where the text may be longer than the context: the option `truncation`.
 *
 * GPT-2's positions are learned and part of every key, so tokens that stay cannot move up in the cache: what stays is
 * computed anew. Each reset drops `discard` tokens after the first `keep`, so what is seen of a text follows from its
 * length alone, however much of it is the prompt.
 */
import { DecodingOptionsError } from '../interface/errors.ts';
import type { LanguageModel } from '../interface/token-tree.ts';
import { branchCount, type ContextWindow, requiredNodes } from './capacity.ts';
import type { ResolvedOptions } from './options.ts';

type Room = Pick<LanguageModel, 'contextLength' | 'maxNodes'>;

/** `max_new_tokens` of a text that may be longer than the context. */
export const MAX_NEW_TOKENS = 100_000;

/**
 * What a text has in view; undefined if all of it fits, or must fit. It is the context, or less where the model has no
 * room for as many branches.
 */
export function contextWindow(
  options: ResolvedOptions,
  model: Room,
  promptLength: number,
): ContextWindow | undefined {
  const { truncation, max_new_tokens } = options;
  if (truncation === 'disabled') return undefined;
  const { contextLength, maxNodes = Number.POSITIVE_INFINITY } = model;
  const fits = promptLength + max_new_tokens <= contextLength;
  if (fits && requiredNodes(promptLength, options) <= maxNodes) return undefined;
  return windowOf(options, model, promptLength);
}

function windowOf(
  options: ResolvedOptions,
  { contextLength, maxNodes = Number.POSITIVE_INFINITY }: Room,
  promptLength: number,
): ContextWindow {
  const { n_keep, n_discard } = options;
  const keep = n_keep < 0 ? promptLength : Math.min(n_keep, promptLength);
  // Branches share no more than the kept tokens in the worst case.
  const size = Math.min(contextLength, keep + Math.floor((maxNodes - keep) / branchCount(options)));
  const discard = n_discard || Math.max(1, Math.floor((size - keep) / 2));
  return { size, keep, discard: Math.min(discard, size - keep) };
}

/** The number of tokens that are dropped of a text of this length. */
export function droppedTokens({ size, discard }: ContextWindow, length: number): number {
  return discard * Math.ceil(Math.max(0, length - size) / discard);
}

/** @throws DecodingOptionsError for options of `truncation` out of their range for this model and prompt */
export function checkWindow(options: ResolvedOptions, model: Room, promptLength: number): void {
  const { n_keep, n_discard, max_new_tokens, prompt_logprobs } = options;
  const { contextLength, maxNodes = Number.POSITIVE_INFINITY } = model;
  const refuse = (option: string, rule: string, value: number | string): never => {
    throw new DecodingOptionsError(option, `'${option}' must be ${rule}, not ${value}`);
  };
  if (max_new_tokens > MAX_NEW_TOKENS) refuse('max_new_tokens', `at most ${MAX_NEW_TOKENS}`, max_new_tokens);
  const { keep } = windowOf(options, model, promptLength);
  const size = contextWindow(options, model, promptLength)?.size ?? contextLength;
  const branches = branchCount(options);
  if (size < 1) refuse(widthOf(options), `at most ${maxNodes}, the tokens that the cache holds`, branches);
  if (n_keep >= contextLength || keep >= size) {
    const most = Math.min(contextLength - 1, Math.max(0, maxNodes - branches));
    const given = n_keep < 0 ? `${n_keep}, the whole prompt of ${promptLength}` : n_keep;
    refuse('n_keep', `at most ${most}, which leaves room for a token in the context`, given);
  }
  if (n_discard > size - keep) {
    refuse('n_discard', `at most ${size - keep}, the tokens in the context that are not kept`, n_discard);
  }
  if (prompt_logprobs !== undefined && promptLength > size) {
    throw new DecodingOptionsError(
      'prompt_logprobs',
      `'prompt_logprobs' needs a prompt of at most ${size} tokens, which the model sees at once, not ${promptLength}`,
    );
  }
}

/** The option that sets the number of branches. */
function widthOf({ num_beams, best_of }: ResolvedOptions) {
  if (num_beams > 1) return 'num_beams';
  return best_of === undefined ? 'num_return_sequences' : 'best_of';
}

/** The tokens that the model sees of a text. */
export function tokensInView(text: ArrayLike<number>, window: ContextWindow): Int32Array {
  const dropped = droppedTokens(window, text.length);
  const tokens = new Int32Array(text.length - dropped);
  return tokens.map((_, i) => text[i < window.keep ? i : i + dropped] as number);
}
