/** @module Suggestions for a text that is being typed: a generation request, and what its answer says. */
import { completeOptions } from '../../decoding/options/options.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { refuse } from '../http/errors.ts';
import { type Usage, usageOf } from '../http/request-record.ts';
import type { ServedModel } from '../isolate/served-model.ts';
import { ANY_LENGTH, type FoundEntry } from './catalogue.ts';
import type { CollectedAnswer, CollectedChoice } from './collected.ts';
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

interface Suggestion {
  /** With what was typed. */
  readonly text: string;
  readonly id?: string | number;
  readonly score: number;
}

export interface Suggestions {
  /** Best first. */
  readonly data: readonly Suggestion[];
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
  // Several beams, also for one suggestion: the likeliest first token may lead to an unlikely text.
  const beams = Math.max(2, num_beams);
  // A tokenizer without the bytes for it completes the text from its last token on.
  const token_healing = model.constraints.vocabulary !== undefined;
  const healing = { token_healing, maxTokens: max_tokens };
  return {
    ...shared,
    // Several may be one text, in other tokens or with another end.
    n: beams,
    prompts: healed(model, [promptOfText(model, prompt + text, 'text')], healing),
    options: completeOptions({
      num_beams: beams,
      num_return_sequences: beams,
      max_new_tokens: max_tokens,
      token_healing,
      stop: ['\n'],
    }),
    fields: { ...FIELDS, n: 'num_beams', prompt: 'text' },
  };
}

export function suggestionsOf(
  { tokenizer }: ServedModel,
  { text, n, catalogue }: SuggestionRequest,
  answer: CollectedAnswer,
): Suggestions {
  const data: Suggestion[] = [];
  const texts = new Set<string>();
  let tokens = 0;
  for (const choice of answer.choices()) {
    // Fewer beams than were asked for, or fewer entries.
    if (data.length === n || choice.log.length === 0) break;
    const suggestion: Suggestion =
      catalogue === undefined
        ? { text: text + choice.text(), score: choice.score ?? 0 }
        : entryOf(tokenizer, choice);
    if (catalogue === undefined && texts.has(suggestion.text)) continue;
    texts.add(suggestion.text);
    data.push(suggestion);
    tokens += choice.log.length;
  }
  const { prompt_tokens, prompt_tokens_details } = answer.usage;
  const usage = usageOf(prompt_tokens, tokens, prompt_tokens_details.cached_tokens);
  return { data, usage };
}

function entryOf(tokenizer: Tokenizer, { score, entry, log }: CollectedChoice): Suggestion {
  const { id, prefix } = entry as FoundEntry;
  const decoded = tokenizer.decode(log.tokens);
  return {
    text: decoded.startsWith(prefix) ? decoded.slice(prefix.length) : decoded,
    id,
    score: score ?? 0,
  };
}
