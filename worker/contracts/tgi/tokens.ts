/** @module Tokens and details in TGI's shape. */
import type { FinishReason, ModelLogprobs } from '../../../decoding/interface/events.ts';
import type { Tokenizer } from '../../../tokenizer/tokenizer.ts';
import type { ChoiceFinishedEvent } from '../../serving/events.ts';
import type { GenerationRequest } from '../../serving/request.ts';
import type { TokenLog } from '../../serving/token-log.ts';

export interface TgiToken {
  readonly id: number;
  readonly text: string;
  readonly logprob: number;
  readonly special: boolean;
}

export interface PrefillToken {
  readonly id: number;
  readonly text: string;
  readonly logprob: number | null;
}

/** A token with the model's own log-probabilities. */
interface ReportedToken {
  readonly token: number;
  readonly model?: ModelLogprobs | null;
}

/** Converts tokens to TGI's shape. */
export class TgiTokens {
  readonly #tokenizer: Tokenizer;
  readonly #special: ReadonlySet<number>;

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
    this.#special = new Set(tokenizer.specialTokens.values());
  }

  /**
   * A generated token, of a search that reports log-probabilities.
   * @param text that became certain with it; a special token has its name instead
   */
  generated({ token, model }: ReportedToken, text: string): TgiToken {
    if (!model) throw new Error('a token has no log-probabilities');
    const special = this.#special.has(token);
    return { id: token, text: special ? this.#textOf(token) : text, logprob: model.logprob, special };
  }

  /** The likeliest tokens at a token's position. */
  top(model: ModelLogprobs | null | undefined): TgiToken[] {
    return (model?.top ?? []).map(({ token, logprob }) => ({
      id: token,
      text: this.#textOf(token),
      logprob,
      special: this.#special.has(token),
    }));
  }

  *prefill(prompt: TokenLog): Generator<PrefillToken> {
    for (const [i, id] of prompt.tokens.entries()) {
      yield { id, text: this.#textOf(id), logprob: prompt.logprobAt(i) };
    }
  }

  #textOf(id: number): string {
    return this.#tokenizer.tokenText(id);
  }
}

/** Adds the rest of the text to the last token: U+FFFD for an incomplete character. */
export function withRest(token: TgiToken, rest: string): TgiToken {
  return token.special ? token : { ...token, text: token.text + rest };
}

/** A number, raw JSON where a number cannot hold the seed's digits, or null if nothing is sampled. */
export type ReportedSeed = number | object | null;

/** TypeScript's `JSON` lacks it. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): object };

export function seedOf({ options: { do_sample, seed } }: GenerationRequest): ReportedSeed {
  if (!do_sample) return null;
  return typeof seed === 'bigint' ? rawJSON(String(seed)) : seed;
}

/** The details in a stream's last event. */
export interface TgiStreamDetails {
  readonly finish_reason: string;
  readonly generated_tokens: number;
  readonly input_length: number;
  /** null if nothing was sampled. */
  readonly seed: ReportedSeed;
  readonly sequences_score?: number;
  /** Of an entry of a catalogue. */
  readonly catalogue_id?: string | number;
  /** Only with `truncation`: how often tokens have been dropped. */
  readonly context_resets?: number | undefined;
}

export function streamDetails(
  { reason, score, entry }: ChoiceFinishedEvent,
  counts: Omit<TgiStreamDetails, 'finish_reason' | 'sequences_score' | 'catalogue_id'>,
): TgiStreamDetails {
  return {
    finish_reason: finishReason(reason),
    ...counts,
    ...(score !== null && { sequences_score: score }),
    ...(entry && { catalogue_id: entry.id }),
  };
}

const FINISH_REASONS = { eos: 'eos_token', stop: 'stop_sequence', length: 'length' } as const;

export const finishReason = (reason: FinishReason) => FINISH_REASONS[reason];
