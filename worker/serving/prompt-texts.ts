/** @module The texts of one prompt: turns the tokens of decoding's events into text. */
import { restText } from '../../decoding/constraints/automaton/healing.ts';
import type { BeamsEvent, DecodedSequence, GeneratedToken } from '../../decoding/interface/events.ts';
import { minimumLength } from '../../decoding/options/options.ts';
import type { TextDecoding, Tokenizer } from '../../tokenizer/tokenizer.ts';
import { foundEntry, type SearchedCatalogue } from './catalogue.ts';
import { constrainedTextEnds } from './constrained-text-ends.ts';
import type { GenerationEvent, TextBeamsEvent } from './events.ts';
import { type GenerationRequest, optionsOf, type Prompt } from './request.ts';
import { StopStringFilter } from './stop-string-filter.ts';

/** A decoded sequence. Several choices repeat it when greedy search finds fewer texts than `n`. */
interface SequenceState {
  readonly text: StopStringFilter;
  emittedTokens: number;
  finished: boolean;
}

/** The score of a row that no sequence of a beam search fills: `sequences_scores` of transformers. */
const UNFILLED_SCORE = -1e9;

/**
 * The text of a row that no sequence of a beam search fills: clients expect `n` choices for each prompt. In
 * transformers such a row is padding, which is the end of text, or a copy of another row.
 * @param decoded the sequences that were found, best first
 */
export function unfilled(decoded: readonly DecodedSequence[]): DecodedSequence {
  return {
    tokens: [],
    finish_reason: 'eos',
    // Choices are best first, and a bias can make the score of a sequence lower than `UNFILLED_SCORE`.
    score: Math.min(UNFILLED_SCORE, decoded.at(-1)?.score ?? 0),
    token_logprobs: [],
    model_logprobs: null,
    beam_indices: [],
  };
}

/** By the ids of a prompt, which all of its texts share; those of a request show special tokens, or do not. */
const starts = new WeakMap<ArrayLike<number>, () => TextDecoding>();

function decoderAfter(
  tokenizer: Tokenizer,
  prompt: ArrayLike<number>,
  options: { readonly skipSpecialTokens: boolean },
): TextDecoding {
  const start = starts.get(prompt) ?? tokenizer.decodersAfter(prompt, options);
  starts.set(prompt, start);
  return start();
}

/** A decoder without the text that every text of a healed prompt begins with. */
function withoutRest(decoder: TextDecoding, rest: string): TextDecoding {
  let left = rest.length;
  const cut = (text: string) => {
    const hidden = Math.min(left, text.length);
    left -= hidden;
    return text.slice(hidden);
  };
  return { push: (id) => cut(decoder.push(id)), flush: () => cut(decoder.flush()) };
}

/** A filter for one text after the prompt with the index `prompt`. */
export function textFilter(
  tokenizer: Tokenizer,
  request: GenerationRequest,
  index: number,
): StopStringFilter {
  const { keepStop, prompts, constraint, showSpecialTokens = false } = request;
  const prompt = prompts[index] as Prompt;
  const options = optionsOf(request, prompt);
  const heldBack = minimumLength(options, prompt.ids.length);
  const decoding = { skipSpecialTokens: !showSpecialTokens };
  // A constraint is met by the texts of tokens inside a text.
  const decoderOf = () =>
    constraint ? tokenizer.insideDecoder(decoding) : decoderAfter(tokenizer, prompt.ids, decoding);
  const tokens = prompt.healed ? withoutRest(decoderOf(), restText(prompt.healed, decoderOf())) : decoderOf();
  const decoder = constraint ? constrainedTextEnds(tokens, options) : tokens;
  return new StopStringFilter(decoder, options.stop, { keepStop, heldBack });
}

export class PromptTexts {
  readonly #tokenizer: Tokenizer;
  readonly #prompt: number;
  readonly #n: number;
  /** Number of choices per sequence. */
  readonly #copies: number;
  readonly #sequences: readonly SequenceState[];
  readonly #catalogue: SearchedCatalogue | undefined;

  constructor(
    tokenizer: Tokenizer,
    request: GenerationRequest,
    prompt: number,
    catalogue?: SearchedCatalogue,
  ) {
    const { n, options } = request;
    this.#tokenizer = tokenizer;
    this.#catalogue = catalogue;
    this.#prompt = prompt;
    this.#n = n;
    this.#copies = n / options.num_return_sequences;
    this.#sequences = Array.from({ length: options.num_return_sequences }, () => ({
      text: textFilter(tokenizer, request, prompt),
      emittedTokens: 0,
      finished: false,
    }));
  }

  beams({ step, beams }: BeamsEvent): TextBeamsEvent {
    const withText = beams.map((beam) => ({ ...beam, text: this.#tokenizer.tokenText(beam.token) }));
    return { type: 'beams', prompt: this.#prompt, step, beams: withText };
  }

  *token(sequence: number, { token, logprob, model }: GeneratedToken): Generator<GenerationEvent> {
    const state = this.#stateOf(sequence);
    state.emittedTokens++;
    const { text } = state.text.push(token);
    const generated = model ? { token, logprob, model } : { token, logprob };
    for (const choice of this.#choicesOf(sequence)) yield { type: 'token', choice, token: generated, text };
  }

  *finish(
    sequence: number,
    decoded: Pick<DecodedSequence, 'finish_reason' | 'score' | 'catalogue_entry'>,
  ): Generator<GenerationEvent> {
    const state = this.#stateOf(sequence);
    state.finished = true;
    const { text } = state.text.flush();
    const { finish_reason: reason, score } = decoded;
    const entry = foundEntry(decoded, this.#catalogue);
    for (const choice of this.#choicesOf(sequence)) {
      yield { type: 'finished', choice, text, reason, score, ...(entry && { entry }) };
    }
  }

  /**
   * The events of all choices that have none so far, or only some: of all beams but the best, and of the
   * winners of `best_of`. If a beam search found fewer sequences than there are choices, the rest are those of
   * `unfilled`.
   */
  *rest(decoded: readonly DecodedSequence[]): Generator<GenerationEvent> {
    for (const sequence of this.#sequences.keys()) {
      yield* this.#restOf(sequence, decoded[sequence] ?? unfilled(decoded));
    }
  }

  *#restOf(sequence: number, decoded: DecodedSequence): Generator<GenerationEvent> {
    const { emittedTokens, finished } = this.#stateOf(sequence);
    if (finished) return;
    for (const [i, token] of decoded.tokens.entries()) {
      if (i < emittedTokens) continue;
      const logprob = decoded.token_logprobs[i] as number;
      const model = decoded.model_logprobs?.[i];
      yield* this.token(sequence, model ? { token, logprob, model } : { token, logprob });
    }
    yield* this.finish(sequence, decoded);
  }

  #stateOf(sequence: number): SequenceState {
    // Decoding emits no sequences beyond `num_return_sequences`.
    return this.#sequences[sequence] as SequenceState;
  }

  #choicesOf(sequence: number): number[] {
    const first = this.#prompt * this.#n + sequence * this.#copies;
    return Array.from({ length: this.#copies }, (_, i) => first + i);
  }
}
