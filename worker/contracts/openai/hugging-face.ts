/**
 * @module What `@huggingface/inference` needs of this route. Since 4.13 its text generation asks here and no longer at
 * `/generate`: with TGI's parameters under their own names, its endpoint's address as the model where none is named, and, of
 * a stream, TGI's events (`providers/hf-inference.ts`, `tasks/nlp/textGenerationStream.ts`).
 */

import type { Tokenizer } from '../../../tokenizer/tokenizer.ts';
import type { FinishedChoice, GenerationEvent, TextTokenEvent } from '../../serving/events.ts';
import type { GenerationRequest } from '../../serving/request.ts';
import { refuse } from '../decoding-fields.ts';
import { streamDetails, type TgiStreamDetails, type TgiToken, TokenView, withRest } from '../tgi/tokens.ts';
import { type CompletionChoice, joinPieces } from './choices.ts';
import type { CompletionRequest } from './schema.ts';

/**
 * The request with what TGI's names and Hugging Face's say under OpenAI's, and with `details` decided.
 * @throws ApiError for two names that say different things, and for details that have no place
 */
export function fromHuggingFace(request: CompletionRequest): CompletionRequest & { details: boolean } {
  const { model, stream, return_full_text, num_return_sequences } = request;
  // No model is called so: who sends an address is the client, which reads TGI's events from the stream.
  const isAddress = model !== undefined && /^https?:\/\//.test(model);
  if (request.echo && return_full_text === false) {
    refuse('return_full_text', "must be true where 'echo' is: both ask for the prompt", false);
  }
  const n = num_return_sequences ?? request.n;
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
    ...(model !== undefined && !isAddress && { model }),
    echo: request.echo || return_full_text === true,
    details: request.details ?? (isAddress && stream),
  };
}

/** A chunk that is an event of TGI as well. */
export interface TgiChunk {
  readonly choices: readonly [CompletionChoice];
  readonly token?: TgiToken;
  /** Of the last chunk of a choice. */
  readonly generated_text: string | null;
  readonly details: TgiStreamDetails | null;
}

interface ChoiceState {
  waiting: { piece: CompletionChoice; token?: TgiToken } | undefined;
  text: string;
  tokens: number;
}

/** The last token's event has the text and its details, so each waits for the next one. */
export class TgiChunks {
  readonly #tokens: TokenView;
  readonly #generation: GenerationRequest;
  readonly #states = new Map<number, ChoiceState>();

  constructor(tokenizer: Tokenizer, generation: GenerationRequest) {
    this.#tokens = new TokenView(tokenizer);
    this.#generation = generation;
  }

  /** @param pieces what the event adds to the choices */
  *of(event: GenerationEvent, pieces: Iterable<CompletionChoice>): Generator<TgiChunk, void> {
    if (event.type !== 'token' && event.type !== 'finished') return;
    const state = this.#stateOf(event.choice);
    if (event.type === 'token') yield* this.#token(state, event, joinAll(pieces));
    else yield this.#finish(state, event, joinAll(pieces));
  }

  *#token(state: ChoiceState, event: TextTokenEvent, piece: CompletionChoice): Generator<TgiChunk, void> {
    const { waiting } = state;
    if (waiting) {
      const { piece, ...token } = waiting;
      yield { choices: [piece], ...token, generated_text: null, details: null };
    }
    state.waiting = { piece, token: this.#tokens.generated(event) };
    state.text += piece.text;
    state.tokens++;
  }

  #finish({ waiting, text, tokens }: ChoiceState, event: FinishedChoice, piece: CompletionChoice): TgiChunk {
    const { prompts, n, options } = this.#generation;
    const token = waiting?.token;
    return {
      choices: [waiting ? joinPieces(waiting.piece, piece) : piece],
      ...(token && { token: withRest(token, event.text) }),
      generated_text: text + piece.text,
      details: streamDetails(event, {
        generated_tokens: tokens,
        input_length: prompts[Math.floor(event.choice / n)]?.ids.length ?? 0,
        seed: options.do_sample ? (options.seed ?? null) : null,
      }),
    };
  }

  #stateOf(choice: number): ChoiceState {
    const state = this.#states.get(choice) ?? { waiting: undefined, text: '', tokens: 0 };
    this.#states.set(choice, state);
    return state;
  }
}

/** Those of one event: one, or the echo of the prompt and one. */
function joinAll(pieces: Iterable<CompletionChoice>): CompletionChoice {
  return Array.from(pieces).reduce(joinPieces);
}
