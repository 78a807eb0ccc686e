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
} from '../../decoding/interface/events.ts';
import { checkAgainstModel } from '../../decoding/options/check-against-model.ts';
import { type ResolvedOptions, resolveOptions } from '../../decoding/options/options.ts';
import type { FinishReason } from '../../decoding/strategies/stopping.ts';
import type { QueueLimits } from '../../engine/batching/admission.ts';
import { SlotsExhaustedError } from '../../engine/cache/errors.ts';
import type { Engine } from '../../engine/engine.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { ChoiceText } from './choice-text.ts';
import type { GenerationEvent, TextBeams } from './events.ts';
import { merge } from './merge.ts';
import type { GenerationRequest } from './request.ts';
import { ReservedTree } from './reserved-tree.ts';

/** Rows of one pass that a request of several prompts aims at: eight cost much less than twice as much as four. */
const ROWS_TOGETHER = 8;

type Decoding = AsyncGenerator<DecodingEvent, DecodingResult, undefined>;

export interface Generation {
  /** The first is there already. Leaving them gives everything back. */
  readonly events: AsyncGenerator<GenerationEvent, void, undefined>;
  /** Tokens of the prompts, so far, that did not have to be computed. */
  cachedTokens(): number;
  /** How long it waited for room. */
  readonly queuedMilliseconds: number;
}

/**
 * Checks the options against model and prompts, waits for room for what the request may need, and computes as far as the
 * first event: the answer's status is known when this returns.
 * @throws DecodingOptionsError for what cannot be; SlotsExhaustedError for what never fits; QueueFullError and
 *   QueueTimeoutError for what does not fit now
 */
export async function startGeneration(
  engine: Engine,
  request: GenerationRequest,
  limits: QueueLimits,
  signal: AbortSignal,
): Promise<Generation> {
  const { options } = resolveOptions({ ...request.options, stop: [...request.stop] });
  const context = { tokenizer: engine.tokenizer, signal };
  for (const { ids } of request.prompts) {
    checkAgainstModel(options, engine, ids.length, engine.tokenizer);
  }
  const open = () => openLanes(engine, request, options);
  const { value: lanes, milliseconds } = await engine.admission.enter(open, limits, signal);
  let events: AsyncGenerator<GenerationEvent, void, undefined>;
  try {
    const runs = request.prompts.map((prompt, index) => {
      const lane = lanes[index % lanes.length] as ReservedTree;
      return new PromptRun(engine, request, options, index, decode(lane, prompt.ids, options, context));
    });
    events = merge(lanes.map((_, i) => inTurn(runs.filter((_, index) => index % lanes.length === i))));
    const first = await events.next();
    return {
      events: withFirst(first, events, lanes),
      cachedTokens: () => lanes.reduce((sum, { reused }) => sum + reused, 0),
      queuedMilliseconds: milliseconds,
    };
  } catch (error) {
    for (const lane of lanes) lane.close();
    throw error;
  }
}

/**
 * One for each prompt, or as many as the cache has room for and a pass has use for.
 * @throws SlotsExhaustedError when there is no room for the largest of the prompts
 */
function openLanes(engine: Engine, request: GenerationRequest, options: ResolvedOptions): ReservedTree[] {
  const { prompts, cachePrompt: shared } = request;
  const nodes = Math.max(...prompts.map(({ ids }) => nodesNeeded(ids.length, options)));
  const count = Math.max(1, Math.min(prompts.length, Math.floor(ROWS_TOGETHER / branchCount(options))));
  // Of several prompts each has its own beginning, and the next one's has to have room after it.
  const prompt = prompts.length === 1 ? prompts[0]?.ids : undefined;
  const lanes = [new ReservedTree(engine, engine.open(nodes, { prompt, shared }))];
  try {
    while (lanes.length < count) lanes.push(new ReservedTree(engine, engine.open(nodes, { shared })));
  } catch (error) {
    if (!(error instanceof SlotsExhaustedError)) throw error;
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
  lanes: readonly ReservedTree[],
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

  #front({ step, beams }: BeamsEvent): TextBeams {
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
