/** @module A generation request, in whatever contract it came, and the checks that all contracts share. */
import { maxNewTokensWithin } from '../../decoding/options/capacity.ts';
import type { ResolvedOptions } from '../../decoding/options/options.ts';
import type { Engine } from '../../engine/engine.ts';
import { ApiError, refuse } from '../http/errors.ts';
import type { ServedModel } from '../isolate/served-model.ts';

export interface GenerationRequest {
  readonly prompts: readonly Prompt[];
  readonly options: ResolvedOptions;
  /** Texts for each prompt. Greedy search finds one, which is repeated `n` times. */
  readonly n: number;
  /** Whether a text keeps the stop string that ends it. */
  readonly keepStop: boolean;
  /** Whether the prompts may use the prefix cache and stay in it. */
  readonly cachePrompt: boolean;
  /** The contract's names of the fields that errors blame. */
  readonly fields: { readonly prompt: string; readonly maxTokens: string };
}

export interface Prompt {
  /** Token ids, at least one. */
  readonly ids: ArrayLike<number>;
  /** The prompt as it was given, or the text of its ids. */
  readonly text: string;
}

/**
 * An empty prompt is the beginning of a text, which GPT-2 marks with its end-of-text token.
 * @param field of the contract, for errors
 */
export function promptOfText({ engine, tokenizer }: ServedModel, text: string, field: string): Prompt {
  const ids = tokenizer.encode(text);
  if (ids.length > 0) return { ids, text };
  const { bos_token_id } = engine.manifest.config;
  if (bos_token_id === null) {
    const message = `'${field}' must not be empty: the model has no token to begin a text with`;
    throw new ApiError(400, message, { param: field, code: 'invalid_value' });
  }
  return { ids: [bos_token_id], text };
}

export function promptOfIds({ tokenizer }: ServedModel, ids: readonly number[], field: string): Prompt {
  const { vocabSize } = tokenizer;
  const unknown = ids.findIndex((id) => id >= vocabSize);
  if (unknown >= 0) {
    refuse(`${field}.${unknown}`, `must be below ${vocabSize}, the size of the vocabulary`, ids[unknown]);
  }
  return { ids, text: tokenizer.decode(ids, { skipSpecialTokens: true }) };
}

/**
 * The default of `max_tokens` in contracts that leave it open: all that context and cache have room for, up to `limit`.
 * @param branches texts or beams that follow the prompt
 * @returns at least 1, which may be too many
 */
export function defaultMaxTokens(engine: Engine, { ids }: Prompt, branches: number, limit: number): number {
  const fits = maxNewTokensWithin(engine.status.slots.maximum, ids.length, branches);
  return Math.max(1, Math.min(limit, engine.contextLength - ids.length, fits));
}

/** @throws ApiError when a prompt and its `max_tokens` exceed the model's context */
export function checkContext({ contextLength }: Engine, request: GenerationRequest): void {
  const { prompts, options, fields } = request;
  const longest = Math.max(...prompts.map(({ ids }) => ids.length));
  const requested = longest + options.max_new_tokens;
  if (requested <= contextLength) return;
  throw new ApiError(
    400,
    `This model's context is ${contextLength} tokens, but ${requested} were requested: ${longest} in the prompt and ` +
      `${options.max_new_tokens} in ${fields.maxTokens}`,
    {
      param: longest < contextLength ? fields.maxTokens : fields.prompt,
      code: 'context_length_exceeded',
    },
  );
}
