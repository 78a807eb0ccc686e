/**
 * @module Support for `@huggingface/inference` on OpenAI's route. Since 4.13 its text generation calls this
 * route and no longer `/generate`. It sends TGI's parameters under their own names and, if no model is named,
 * its endpoint's URL as the model; of a stream it reads TGI's events (`providers/hf-inference.ts`,
 * `tasks/nlp/textGenerationStream.ts`).
 */
import type { Tokenizer } from '../../../tokenizer/tokenizer.ts';
import { refuse } from '../../http/errors.ts';
import type { ChoiceFinishedEvent, GenerationEvent, TextTokenEvent } from '../../serving/events.ts';
import type { GenerationRequest } from '../../serving/request.ts';
import { TextPieces } from '../tgi/text-pieces.ts';
import {
  seedOf,
  streamDetails,
  type TgiStreamDetails,
  type TgiToken,
  TgiTokens,
  withRest,
} from '../tgi/tokens.ts';
import { type CompletionChoice, joinPieces } from './choices.ts';
import type { CompletionRequest } from './schema.ts';

/**
 * Translates TGI's and Hugging Face's fields into OpenAI's, and decides `details`.
 * @throws ApiError for two fields that contradict each other, and for details without a stream
 */
export function fromHuggingFace(request: CompletionRequest): CompletionRequest & { details: boolean } {
  const { model, stream, return_full_text, num_return_sequences } = request;
  // A URL as the model identifies that client, which reads TGI's events from the stream.
  const isUrl = model !== undefined && /^https?:\/\//.test(model);
  if (request.echo && return_full_text === false) {
    refuse('return_full_text', "must be true where 'echo' is: both ask for the prompt", false);
  }
  // 1 is the default of both.
  const several = num_return_sequences === 1 ? undefined : num_return_sequences;
  const n = several ?? request.n;
  if (request.n > 1 && n !== request.n) {
    refuse('num_return_sequences', `must be ${request.n}, as 'n' is`, n);
  }
  if (request.details && !stream) {
    refuse('details', "must be false where 'stream' is: POST /generate has them, and 'logprobs' here", true);
  }
  const { model: _, ...others } = request;
  return {
    ...others,
    n,
    ...(model !== undefined && !isUrl && { model }),
    echo: request.echo || return_full_text === true,
    details: request.details ?? (isUrl && stream),
  };
}

/** A chunk that is an event of TGI as well. */
export interface TgiChunk {
  readonly choices: readonly [CompletionChoice];
  readonly token?: TgiToken;
  /** Set in the last chunk of a choice. */
  readonly generated_text: string | null;
  readonly details: TgiStreamDetails | null;
}

interface ChoiceState {
  delayed: { piece: CompletionChoice; token?: TgiToken } | undefined;
  readonly text: TextPieces;
  tokens: number;
}

/**
 * TGI's last token event carries the whole text and its details, so each event is delayed until the next one
 * comes.
 */
export class TgiChunks {
  readonly #tokens: TgiTokens;
  readonly #generation: GenerationRequest;
  readonly #states = new Map<number, ChoiceState>();

  constructor(tokenizer: Tokenizer, generation: GenerationRequest) {
    this.#tokens = new TgiTokens(tokenizer);
    this.#generation = generation;
  }

  /** @param pieces that the event adds to its choice */
  *of(event: GenerationEvent, pieces: Iterable<CompletionChoice>): Generator<TgiChunk, void> {
    if (event.type !== 'token' && event.type !== 'finished') return;
    const state = this.#stateOf(event.choice);
    if (event.type === 'token') yield* this.#token(state, event, joinAll(pieces));
    else yield this.#finish(state, event, joinAll(pieces));
  }

  *#token(state: ChoiceState, event: TextTokenEvent, piece: CompletionChoice): Generator<TgiChunk, void> {
    const { delayed } = state;
    if (delayed) {
      const { piece, ...token } = delayed;
      yield { choices: [piece], ...token, generated_text: null, details: null };
    }
    state.delayed = { piece, token: this.#tokens.generated(event.token, event.text) };
    state.text.add(piece.text);
    state.tokens++;
  }

  #finish(
    { delayed, text, tokens }: ChoiceState,
    event: ChoiceFinishedEvent,
    piece: CompletionChoice,
  ): TgiChunk {
    const { prompts, n } = this.#generation;
    const token = delayed?.token;
    return {
      choices: [delayed ? joinPieces(delayed.piece, piece) : piece],
      ...(token && { token: withRest(token, event.text) }),
      generated_text: `${text}${piece.text}`,
      details: streamDetails(event, {
        generated_tokens: tokens,
        input_length: prompts[Math.floor(event.choice / n)]?.ids.length ?? 0,
        seed: seedOf(this.#generation),
      }),
    };
  }

  #stateOf(choice: number): ChoiceState {
    const state = this.#states.get(choice) ?? { delayed: undefined, text: new TextPieces(), tokens: 0 };
    this.#states.set(choice, state);
    return state;
  }
}

/** Joins the pieces of one event: the echo of the prompt may precede the event's own. */
function joinAll(pieces: Iterable<CompletionChoice>): CompletionChoice {
  return Array.from(pieces).reduce(joinPieces);
}
