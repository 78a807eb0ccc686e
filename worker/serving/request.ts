/** @module A generation request, independent of its contract, and the checks that all contracts share. */
import type { HealedPrompt } from '../../decoding/constraints/automaton/healing.ts';
import type { ConstraintSource } from '../../decoding/constraints/source.ts';
import { DecodingOptionsError } from '../../decoding/interface/errors.ts';
import { isGuided, maxNewTokensWithin, negativeLength, withHealed } from '../../decoding/options/capacity.ts';
import { checkWindow, contextWindow, MAX_NEW_TOKENS } from '../../decoding/options/context-window.ts';
import { DEFAULTS, type ResolvedOptions } from '../../decoding/options/options.ts';
import type { Engine } from '../../engine/engine.ts';
import { type EncodeOptions, type Tokenizer, UnencodableTextError } from '../../tokenizer/tokenizer.ts';
import { ApiError, refuse } from '../http/errors.ts';
import type { ServedModel } from '../isolate/served-model.ts';
import type { RequestedAdapter } from './adapters.ts';
import { largestThatFits, leastMemory, type SizeOptions } from './memory-estimate.ts';

export interface GenerationRequest {
  readonly prompts: readonly Prompt[];
  readonly options: ResolvedOptions;
  /** Number of texts per prompt. Greedy search finds one and repeats it `n` times. */
  readonly n: number;
  /** Whether the answer repeats the prompt before each text. */
  readonly echo?: boolean;
  /** The form of every text, if the request asks for one. */
  readonly constraint?: RequestedConstraint | undefined;
  /** Whether a text keeps the stop string that ends it. */
  readonly keepStop: boolean;
  /** Whether a text shows the special tokens that were generated. Default: false. */
  readonly showSpecialTokens?: boolean;
  /** Whether the prompts may use and enter the prefix cache. */
  readonly cachePrompt: boolean;
  /** vLLM's `cache_salt`: the prompts share the prefix cache with requests of the same salt only. */
  readonly cacheSalt?: string | undefined;
  /** Changes the model for this request. */
  readonly adapter?: RequestedAdapter | undefined;
  /** The contract's names of the fields, for error messages. */
  readonly fields: RequestFields;
}

export interface RequestedConstraint {
  readonly source: ConstraintSource;
  /** The full name of its field in the contract, for error messages. */
  readonly field: string;
}

export interface RequestFields {
  readonly prompt: string;
  readonly maxTokens: string;
  /** Number of texts. */
  readonly n: string;
  readonly logprobs: string;
}

export interface Prompt {
  /** Token ids, at least one; of a healed prompt, those that were not taken off. */
  readonly ids: ArrayLike<number>;
  /** Set if its end was taken off: its text ends within the generated tokens. */
  readonly healed?: HealedPrompt;
  /** The prompt as sent, or the text of its ids. */
  readonly text: string;
  /** The ids, from one index to another, whose special tokens are in the text, too. Default: none. */
  readonly withSpecial?: readonly [from: number, to: number];
}

/** The options of the texts of one prompt. */
export function optionsOf({ options }: GenerationRequest, { healed }: Prompt): ResolvedOptions {
  return healed ? withHealed(options, healed.removed.length) : options;
}

/** The number of tokens of all prompts. */
export function promptTokensOf({ prompts }: GenerationRequest): number {
  return prompts.reduce((sum, { ids }) => sum + ids.length, 0);
}

/**
 * An empty prompt becomes GPT-2's end-of-text token, which marks the beginning of a text.
 * @param field name in the contract, for error messages
 * @param isPartial whether a part of the prompt is used, however long it is
 * @param encoding how the text becomes tokens
 * @throws ApiError before the text is encoded if it cannot fit the context
 */
export function promptOfText(
  { engine, tokenizer }: ServedModel,
  text: string,
  field: string,
  isPartial = false,
  encoding: EncodeOptions = {},
): Prompt {
  if (!isPartial) checkLength(engine, tokenizer, text.length, field);
  const ids = encodeText(tokenizer, text, field, encoding);
  const unknown = ids.find((id) => id >= engine.vocabSize);
  if (unknown !== undefined) {
    const token = JSON.stringify(tokenizer.decode([unknown]));
    const message = `'${field}' has the token ${token}, which the model's vocabulary does not have`;
    throw new ApiError(400, message, { param: field, code: 'invalid_value' });
  }
  if (ids.length > 0) {
    const { before, after } = tokenizer.template;
    const isAdded = encoding.addSpecialTokens ?? true;
    const [from, to] = isAdded ? [before.length, ids.length - after.length] : [0, ids.length];
    return { ids, text, withSpecial: [from, to] };
  }
  const { bos_token_id } = engine.manifest.config;
  if (bos_token_id === null) {
    const message = `'${field}' must not be empty: the model has no token to begin a text with`;
    throw new ApiError(400, message, { param: field, code: 'invalid_value' });
  }
  return { ids: [bos_token_id], text };
}

/**
 * @param characters of a text, in UTF-16 units
 * @throws ApiError if it cannot fit the context, however long its tokens are
 */
export function checkLength(
  { contextLength }: Engine,
  tokenizer: Tokenizer,
  characters: number,
  field: string,
): void {
  const leastTokens = tokenizer.leastTokens(characters);
  if (leastTokens <= contextLength) return;
  const message = `This model's context is ${contextLength} tokens, but '${field}' has at least ${leastTokens}`;
  throw new ApiError(400, message, { param: field, code: 'context_length_exceeded' });
}

/** @throws ApiError for a text with characters for which the vocabulary has no token, nor one for unknown ones */
export function encodeText(
  tokenizer: Tokenizer,
  text: string,
  field: string,
  options?: EncodeOptions,
): Int32Array<ArrayBuffer> {
  try {
    return tokenizer.encode(text, options);
  } catch (error) {
    if (!(error instanceof UnencodableTextError)) throw error;
    const message = `'${field}' cannot be encoded: ${error.message}`;
    throw new ApiError(400, message, { param: field, code: 'invalid_value' });
  }
}

/** Ids of the model's vocabulary, which may have more rows than the tokenizer has tokens. */
export function promptOfIds(
  { engine, tokenizer }: ServedModel,
  ids: readonly number[],
  field: string,
): Prompt {
  checkIds(engine, ids, field);
  return { ids, text: tokenizer.decode(ids, { skipSpecialTokens: true }) };
}

/** @throws ApiError for an id beyond the model's vocabulary */
export function checkIds({ vocabSize }: Engine, ids: readonly number[], field: string): void {
  const outside = ids.findIndex((id) => id >= vocabSize);
  if (outside < 0) return;
  refuse(`${field}.${outside}`, `must be below ${vocabSize}, the size of the vocabulary`, ids[outside]);
}

/**
 * The last `length` tokens of a prompt, with their text; the prompt itself if it is not longer.
 * @param length at least 1
 */
export function lastTokens({ tokenizer }: ServedModel, prompt: Prompt, length: number): Prompt {
  if (prompt.ids.length <= length) return prompt;
  const ids = Array.from(prompt.ids).slice(-length);
  const [from, to] = (prompt.withSpecial ?? [0, 0]).map((index) =>
    Math.max(0, index - (prompt.ids.length - length)),
  ) as [number, number];
  // In the text as sent, special tokens were a part of it.
  const text = [ids.slice(0, from), ids.slice(from, to), ids.slice(to)]
    .map((part, i) => tokenizer.decode(part, { skipSpecialTokens: i !== 1 }))
    .join('');
  return { ids, text, withSpecial: [from, to] };
}

/**
 * The default of `max_tokens` in contracts without a fixed one: the space in context, cache and memory, up to
 * `limit`.
 * @returns at least 1, even if that does not fit
 */
export function defaultMaxTokens(
  engine: Engine,
  { ids, text, healed }: Prompt,
  search: Omit<SizeOptions, 'max_new_tokens'>,
  limit: number,
): number {
  const { contextLength, status, memory, vocabSize } = engine;
  const removed = healed?.removed.length ?? 0;
  const inCache = maxNewTokensWithin(status.slots.maximum, ids.length, search);
  const longest = Math.max(ids.length, negativeLength(search));
  const room = Math.min(contextLength - longest, inCache) - removed;
  // With `truncation`, tokens that have no room drop others.
  const most = search.truncation === 'auto' ? limit : Math.min(limit, room);
  const size = {
    prompts: [ids.length],
    characters: text.length,
    vocabSize,
    // The default is the same over HTTP and RPC.
    form: 'object' as const,
    n: search.num_return_sequences,
    healed: removed,
  };
  const fits = (max_new_tokens: number) => {
    const options = { ...search, max_new_tokens };
    const longer = { ...options, max_new_tokens: max_new_tokens + removed };
    const inView = tokensInView(engine, longer, ids.length);
    return leastMemory({ ...size, inView, options }) <= memory.maximum;
  };
  return largestThatFits(1, most, fits) ?? 1;
}

/** The most tokens of a text that the model sees at a time; undefined for a text that fits into the context. */
export function tokensInView(engine: Engine, options: SizeOptions, promptLength: number): number | undefined {
  return contextWindow({ ...DEFAULTS, ...options }, engine, promptLength)?.size;
}

/**
 * @throws ApiError when a prompt and its `max_tokens` exceed the model's context; with `truncation` for options of it that
 *   are out of their range
 */
export function checkContext(engine: Engine, request: GenerationRequest): void {
  const { contextLength } = engine;
  const { prompts, options, fields } = request;
  if (options.truncation === 'auto') {
    for (const prompt of prompts) checkPromptWindow(engine, request, prompt);
    return;
  }
  const lengths = prompts.map(lengthOf);
  const negative =
    negativeLength(options) + Math.max(...prompts.map(({ healed }) => healed?.removed.length ?? 0));
  const isNegative = isGuided(options) && negative > Math.max(...lengths);
  const longest = Math.max(...lengths, isNegative ? negative : 0);
  const requested = longest + options.max_new_tokens;
  if (requested <= contextLength) return;
  throw new ApiError(
    400,
    `This model's context is ${contextLength} tokens, but ${requested} were requested: ${longest} in the ` +
      `${isNegative ? 'negative ' : ''}prompt and ${options.max_new_tokens} in ${fields.maxTokens}`,
    {
      param: longest < contextLength ? fields.maxTokens : isNegative ? 'negative_prompt_ids' : fields.prompt,
      code: 'context_length_exceeded',
    },
  );
}

/** The number of a prompt's tokens, those that were taken off included. */
export function lengthOf({ ids, healed }: Prompt): number {
  return ids.length + (healed?.removed.length ?? 0);
}

function checkPromptWindow(engine: Engine, request: GenerationRequest, prompt: Prompt): void {
  const { options, fields } = request;
  const longer = optionsOf(request, prompt);
  // The tokens that a healed prompt gets back are beside those that were asked for.
  const max_new_tokens = Math.max(options.max_new_tokens, Math.min(longer.max_new_tokens, MAX_NEW_TOKENS));
  try {
    checkWindow({ ...longer, max_new_tokens }, engine, prompt.ids.length);
  } catch (error) {
    if (!(error instanceof DecodingOptionsError)) throw error;
    if (error.option === 'prompt_logprobs') {
      const size = tokensInView(engine, longer, prompt.ids.length);
      const message = `'${fields.prompt}' must have at most ${size} tokens for log-probabilities of all of them, not ${prompt.ids.length}`;
      throw new ApiError(400, message, { param: fields.prompt, code: 'context_length_exceeded' });
    }
    const names: Record<string, string> = {
      max_new_tokens: fields.maxTokens,
      num_return_sequences: fields.n,
      best_of: fields.n,
    };
    const param = names[error.option] ?? error.option;
    const message = error.message.replace(`'${error.option}'`, `'${param}'`);
    throw new ApiError(400, message, { param, code: 'invalid_value' });
  }
}
