/** @module Suggestions for a text that is being typed: a generation request, and what its answer says. */
import { completeOptions } from '../../decoding/options/options.ts';
import { refuse } from '../http/errors.ts';
import type { Usage } from '../http/request-record.ts';
import type { ServedModel } from '../isolate/served-model.ts';
import { ANY_LENGTH } from './catalogue.ts';
import type { CollectedAnswer } from './collected.ts';
import { healed } from './heal.ts';
import { type GenerationRequest, promptOfText } from './request.ts';

export interface SuggestionRequest {
  /** What was typed. */
  readonly text: string;
  /** Number of suggestions, at most. */
  readonly n: number;
  readonly catalogue?: string | undefined;
  readonly catalogue_weight: number;
  /** A text before the one that is typed. */
  readonly prompt: string;
  readonly num_beams?: number | undefined;
  /** Of suggestions without a catalogue. */
  readonly max_tokens?: number | undefined;
  readonly cache_prompt: boolean;
  readonly cache_salt?: string | undefined;
}

export interface Suggestions {
  /** Best first. */
  readonly data: readonly {
    /** With what was typed. */
    readonly text: string;
    readonly id?: string | number;
    readonly score: number;
  }[];
  readonly usage: Usage;
}

const NUM_BEAMS = 32;
const MAX_TOKENS = 8;
const FIELDS = { maxTokens: 'max_tokens', n: 'n', logprobs: 'logprobs' };

/** @throws ApiError */
export function suggestionGeneration(model: ServedModel, request: SuggestionRequest): GenerationRequest {
  const { text, n, catalogue, catalogue_weight, prompt } = request;
  const num_beams = request.num_beams ?? Math.max(n, NUM_BEAMS);
  if (num_beams < n) refuse('num_beams', `must be at least n, ${n}`, num_beams);
  const shared = {
    n,
    keepStop: false,
    cachePrompt: request.cache_prompt,
    cacheSalt: request.cache_salt,
  };
  const search = { num_beams, num_return_sequences: n };
  if (catalogue !== undefined) {
    if (request.max_tokens !== undefined) {
      refuse(
        'max_tokens',
        "must not be given beside 'catalogue', whose entries are whole",
        request.max_tokens,
      );
    }
    return {
      ...shared,
      prompts: [promptOfText(model, prompt, 'prompt')],
      options: completeOptions({
        ...search,
        ...{ catalogue, catalogue_weight, catalogue_prefix: text, max_new_tokens: ANY_LENGTH },
      }),
      fields: { ...FIELDS, prompt: 'prompt' },
    };
  }
  if (catalogue_weight !== 0) refuse('catalogue_weight', "must be 0 without a 'catalogue'", catalogue_weight);
  const { max_tokens = MAX_TOKENS } = request;
  // A tokenizer without the bytes for it completes the text from its last token on.
  const token_healing = model.constraints.vocabulary !== undefined;
  const healing = { token_healing, maxTokens: max_tokens };
  return {
    ...shared,
    prompts: healed(model, [promptOfText(model, prompt + text, 'text')], healing),
    options: completeOptions({
      ...search,
      // Several beams, also for one suggestion: the likeliest first token may lead to an unlikely text.
      num_beams: Math.max(2, num_beams),
      max_new_tokens: max_tokens,
      token_healing,
      stop: ['\n'],
    }),
    fields: { ...FIELDS, prompt: 'text' },
  };
}

export function suggestionsOf(
  { tokenizer }: ServedModel,
  { text, catalogue }: SuggestionRequest,
  answer: CollectedAnswer,
): Suggestions {
  const data = Array.from(answer.choices(), (choice) => {
    const score = choice.score ?? 0;
    if (catalogue === undefined) return { text: text + choice.text(), score };
    if (!choice.entry) return undefined;
    const { id, prefix } = choice.entry;
    const decoded = tokenizer.decode(choice.log.tokens);
    return { text: decoded.startsWith(prefix) ? decoded.slice(prefix.length) : decoded, id, score };
  });
  return { data: data.filter((suggestion) => suggestion !== undefined), usage: answer.usage };
}
