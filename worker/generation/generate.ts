/**
 * @module From a request to text as it comes: the prompts through decoding, tokens into text, several prompts side by
 * side as far as the cache has room.
 */
import { branchCount, decode, nodesNeeded } from '../../decoding/decode.ts';
import type {
  BeamsEvent,
  DecodedSequence,
  DecodingEvent,
  DecodingResult,
  GeneratedToken,
} from '../../decoding/events.ts';
import { type ResolvedOptions, resolveOptions } from '../../decoding/options.ts';
import type { FinishReason } from '../../decoding/stopping.ts';
import type { Engine } from '../engine/engine.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { ChoiceText } from './choice-text.ts';
import type { Front, GenerationEvent } from './events.ts';
import { Lane } from './lane.ts';
import { merge } from './merge.ts';
import type { GenerationRequest, Prompt } from './request.ts';

/** Rows of one pass that a request of several prompts aims at: eight cost much less than twice as much as four. */
const ROWS_TOGETHER = 8;

type Decoding = AsyncGenerator<DecodingEvent, DecodingResult, undefined>;

/**
 * Checks the options against model and prompts, reserves what the request may need, and computes as far as the first
 * event: the answer's status is known when this returns.
 * @returns the events, of which the first is there already; leaving them gives everything back
 * @throws DecodingOptionsError for what cannot be; SlotsExhaustedError for what does not fit, now or ever
 */
export async function startGeneration(
  engine: Engine,
  request: GenerationRequest,
  signal: AbortSignal,
): Promise<AsyncGenerator<GenerationEvent, void, undefined>> {
  const { options } = resolveOptions({ ...request.options, stop: [...request.stop] });
  const lanes = openLanes(engine, request.prompts, options);
  const context = { tokenizer: engine.tokenizer, signal };
  let events: AsyncGenerator<GenerationEvent, void, undefined>;
  try {
    // All of them at once: an option that does not go with one of the prompts is told before any work.
    const runs = request.prompts.map((prompt, index) => {
      const lane = lanes[index % lanes.length] as Lane;
      return new PromptRun(engine, request, options, index, decode(lane, prompt.ids, options, context));
    });
    events = merge(lanes.map((_, i) => inTurn(runs.filter((_, index) => index % lanes.length === i))));
    return withFirst(await events.next(), events, lanes);
  } catch (error) {
    for (const lane of lanes) lane.close();
    throw error;
  }
}

/** @throws SlotsExhaustedError when there is no room for the largest of the prompts */
function openLanes(engine: Engine, prompts: readonly Prompt[], options: ResolvedOptions): Lane[] {
  const needs = prompts.map(({ ids }) => nodesNeeded(ids.length, options));
  const most = Math.max(...needs);
  const { maximum, reserved } = engine.status.slots;
  const room = Math.floor((maximum - reserved) / most);
  const count = Math.max(1, Math.min(prompts.length, room, Math.floor(ROWS_TOGETHER / branchCount(options))));
  const lanes: Lane[] = [];
  try {
    for (let i = 0; i < count; i++) lanes.push(new Lane(engine, engine.open(most)));
  } catch (error) {
    // Between the question and the answer a tree can only have expired; one lane is enough.
    if (lanes.length === 0) throw error;
  }
  return lanes;
}

async function* inTurn(runs: readonly PromptRun[]): AsyncGenerator<GenerationEvent, void, undefined> {
  for (const run of runs) yield* run.events();
}

/** A generator of which one event was taken, with that event again. */
async function* withFirst(
  first: IteratorResult<GenerationEvent, void>,
  rest: AsyncGenerator<GenerationEvent, void, undefined>,
  lanes: readonly Lane[],
): AsyncGenerator<GenerationEvent, void, undefined> {
  try {
    if (!first.done) yield first.value;
    yield* rest;
  } finally {
    await rest.return();
    for (const lane of lanes) lane.close();
  }
}

interface SequenceState {
  readonly text: ChoiceText;
  /** Tokens. */
  told: number;
  finished: boolean;
}

/** One prompt's decoding, and its choices' texts. */
class PromptRun {
  readonly #tokenizer: Tokenizer;
  readonly #prompt: number;
  readonly #n: number;
  readonly #hasScores: boolean;
  readonly #decoding: Decoding;
  /** Choices of a sequence. */
  readonly #copies: number;
  readonly #sequences: SequenceState[];

  constructor(
    engine: Engine,
    request: GenerationRequest,
    options: ResolvedOptions,
    prompt: number,
    decoding: Decoding,
  ) {
    this.#tokenizer = engine.tokenizer;
    this.#prompt = prompt;
    this.#n = request.n;
    this.#hasScores = options.num_beams > 1;
    this.#decoding = decoding;
    this.#copies = request.n / options.num_return_sequences;
    const { stop, keepStop } = request;
    this.#sequences = Array.from({ length: options.num_return_sequences }, () => ({
      text: new ChoiceText(engine.tokenizer.decoder({ skipSpecialTokens: true }), stop, keepStop),
      told: 0,
      finished: false,
    }));
  }

  async *events(): AsyncGenerator<GenerationEvent, void, undefined> {
    try {
      for (;;) {
        const { done, value } = await this.#decoding.next();
        if (done) {
          for (const [sequence, decoded] of value.sequences.entries()) yield* this.#rest(sequence, decoded);
          return;
        }
        if (value.type === 'token') yield* this.#token(value.sequence, value);
        else if (value.type === 'prompt') yield { ...value, prompt: this.#prompt };
        else if (value.type === 'beams') yield this.#front(value);
        // A beam search's score comes with the result, which comes next.
        else if (!this.#hasScores) yield* this.#finish(value.sequence, value.reason, null);
      }
    } finally {
      await this.#decoding.return({ sequences: [], warnings: [] });
    }
  }

  #front({ step, beams }: BeamsEvent): Front {
    const withText = beams.map((beam) => ({ ...beam, text: this.#tokenizer.decode([beam.token]) }));
    return { type: 'beams', prompt: this.#prompt, step, beams: withText };
  }

  *#token(sequence: number, { token, logprob, model }: GeneratedToken): Generator<GenerationEvent> {
    const state = this.#stateOf(sequence);
    state.told++;
    const text = state.text.push(token);
    const generated = model ? { token, logprob, model } : { token, logprob };
    for (const choice of this.#choicesOf(sequence)) yield { type: 'token', choice, token: generated, text };
  }

  *#finish(sequence: number, reason: FinishReason, score: number | null): Generator<GenerationEvent> {
    const state = this.#stateOf(sequence);
    state.finished = true;
    const text = state.text.flush();
    for (const choice of this.#choicesOf(sequence)) yield { type: 'finished', choice, text, reason, score };
  }

  /** What no event has told: all but the best beam, samples of which the best were chosen in the end. */
  *#rest(sequence: number, decoded: DecodedSequence): Generator<GenerationEvent> {
    const { told, finished } = this.#stateOf(sequence);
    if (finished) return;
    for (const [i, token] of decoded.tokens.entries()) {
      if (i < told) continue;
      const logprob = decoded.token_logprobs[i] as number;
      const model = decoded.model_logprobs?.[i];
      yield* this.#token(sequence, model ? { token, logprob, model } : { token, logprob });
    }
    yield* this.#finish(sequence, decoded.finish_reason, decoded.score);
  }

  #stateOf(sequence: number): SequenceState {
    // Decoding tells of no other sequences than were asked for.
    return this.#sequences[sequence] as SequenceState;
  }

  #choicesOf(sequence: number): number[] {
    const first = this.#prompt * this.#n + sequence * this.#copies;
    return Array.from({ length: this.#copies }, (_, i) => first + i);
  }
}
