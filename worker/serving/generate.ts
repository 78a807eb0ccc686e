/**
 * @module Runs a generation request: decodes each prompt and turns tokens into text. Several prompts run
 * concurrently as far as there is space. Independent of HTTP.
 */
import type { Constraint } from '../../decoding/constraints/automaton/constraint.ts';
import { type Decoding, decodeResolved } from '../../decoding/decode.ts';
import { checkTokenIds } from '../../decoding/options/check-against-model.ts';
import type { QueueLimits } from '../../engine/batching/admission.ts';
import { type Tokenizer, UnencodableTextError } from '../../tokenizer/tokenizer.ts';
import { type Usage, usageOf } from '../http/request-record.ts';
import type { ServedModel } from '../isolate/served-model.ts';
import type { SearchedCatalogue } from './catalogue.ts';
import { CollectedAnswer, type PromptResult, promptLogOf, textsOf } from './collected.ts';
import type { GenerationEvent } from './events.ts';
import type { AnswerForm } from './memory-estimate.ts';
import { merge } from './merge.ts';
import { PromptTexts } from './prompt-texts.ts';
import { type GenerationRequest, optionsOf, type Prompt, promptTokensOf } from './request.ts';
import { admit, type Reservation } from './reservation.ts';
import type { ReservedTree } from './reserved-tree.ts';

type Events = AsyncGenerator<GenerationEvent, void, undefined>;

/** How a generation runs, beside its request. */
export interface RunOptions {
  /** Compiles the request's constraint, once. */
  readonly compile?: (() => Constraint | undefined) | undefined;
  /** Looks at it while the request waits for its turn. @returns whether that was done */
  readonly check?: (() => boolean) | undefined;
  /** The one that the request names. */
  readonly catalogue?: SearchedCatalogue | undefined;
  readonly limits: QueueLimits;
  /** Of an answer that is collected. Default: `whole`. */
  readonly form?: Exclude<AnswerForm, 'stream'> | undefined;
  readonly signal: AbortSignal;
  /** Of the prefix cache. */
  readonly partition?: string | undefined;
  /** Is called when the request has got its space. @param queuedMilliseconds time spent waiting for it */
  readonly onAdmitted?: ((queuedMilliseconds: number) => void) | undefined;
  /** Is called with the usage so far when an admitted request fails and nobody gets a result with its usage. */
  readonly onFailed?: ((usage: Usage) => void) | undefined;
}

/** How the texts of a prompt are decoded. */
interface DecodingRun extends Pick<RunOptions, 'signal' | 'catalogue'>, Pick<Reservation, 'constraint'> {}

/**
 * Checks the options against the model, waits for the space that the request needs at most, and computes up to
 * the first event: the status of the answer is certain when this returns.
 * @throws DecodingOptionsError for invalid token ids; CapacityError for a request that never fits;
 *   QueueFullError and QueueTimeoutError for one that does not fit now
 */
export async function startGeneration(
  model: ServedModel,
  request: GenerationRequest,
  options: RunOptions,
): Promise<Generation> {
  const reservation = await checkAndAdmit(model, request, 'stream', options);
  try {
    const events = ofAllPrompts(reservation, request, (tree, prompts) =>
      textEvents(model, request, tree, prompts, { ...options, constraint: reservation.constraint }),
    );
    return new Generation(request, await events.next(), events, reservation);
  } catch (error) {
    options.onFailed?.(usageSoFar(request, reservation, { tokens: 0, resets: 0 }));
    reservation.close();
    throw error;
  }
}

/**
 * Runs a generation to its end. The caller sends the answer and closes `held`.
 * @throws as `startGeneration`, and what decoding throws
 */
export async function collectGeneration(
  model: ServedModel,
  request: GenerationRequest,
  options: RunOptions,
): Promise<{ readonly answer: CollectedAnswer; readonly held: Reservation['answer'] }> {
  const reservation = await checkAndAdmit(model, request, options.form ?? 'whole', options);
  const copies = request.n / request.options.num_return_sequences;
  let tokens = 0;
  let resets = 0;
  const onToken = () => {
    tokens += copies;
  };
  const onReset = () => {
    resets++;
  };
  try {
    const results: PromptResult[] = [];
    const decoded = ofAllPrompts(reservation, request, (tree, prompts) =>
      promptResults(model, request, tree, prompts, {
        ...options,
        constraint: reservation.constraint,
        onToken,
        onReset,
      }),
    );
    for await (const result of decoded) results[result.prompt] = result;
    const cachedTokens = reusedEvaluations(reservation);
    const answer = new CollectedAnswer(model.tokenizer, request, results, { cachedTokens, resets });
    reservation.closeTrees();
    return { answer, held: reservation.answer };
  } catch (error) {
    options.onFailed?.(usageSoFar(request, reservation, { tokens, resets }));
    reservation.close();
    throw error;
  }
}

async function checkAndAdmit(
  { engine }: ServedModel,
  request: GenerationRequest,
  form: AnswerForm,
  { compile, check, limits, signal, partition = '', catalogue, onAdmitted }: RunOptions,
): Promise<Reservation> {
  checkTokenIds(request.options, engine);
  const { value, milliseconds } = await admit(engine, request, {
    ...{ compile, check, form, partition, limits, signal, catalogue },
  });
  onAdmitted?.(milliseconds);
  return value;
}

/** Runs `decode` in each tree, with the prompts that are the tree's. */
function ofAllPrompts<T>(
  { trees }: Reservation,
  { prompts }: GenerationRequest,
  decode: (tree: ReservedTree, prompts: readonly number[]) => AsyncGenerator<T, void, undefined>,
): AsyncGenerator<T, void, undefined> {
  const generators = trees.map((tree, i) =>
    decode(
      tree,
      [...prompts.keys()].filter((prompt) => prompt % trees.length === i),
    ),
  );
  const [only] = generators;
  return only && generators.length === 1 ? only : merge(generators);
}

function reusedEvaluations({ trees }: Reservation): number {
  return trees.reduce((sum, tree) => sum + tree.reusedEvaluations, 0);
}

/** What a stream has told so far, or would have told. */
interface Progress {
  /** Those of all choices. */
  readonly tokens: number;
  /** How often tokens have been dropped for the context. */
  readonly resets: number;
}

function usageSoFar(
  request: GenerationRequest,
  reservation: Reservation,
  { tokens, resets }: Progress,
): Usage {
  const told = request.options.truncation === 'auto' ? resets : undefined;
  return usageOf(promptTokensOf(request), tokens, reusedEvaluations(reservation), told);
}

/** A running generation whose first event has been computed. */
export class Generation {
  /** Leaving the loop frees the space. */
  readonly events: Events;
  readonly request: GenerationRequest;
  readonly #reservation: Reservation;
  readonly #progress = { tokens: 0, resets: 0 };

  constructor(
    request: GenerationRequest,
    first: IteratorResult<GenerationEvent, void>,
    rest: Events,
    reservation: Reservation,
  ) {
    this.#reservation = reservation;
    this.request = request;
    this.events = this.#counted(first, rest);
  }

  /** The usage so far. */
  get usage(): Usage {
    return usageSoFar(this.request, this.#reservation, this.#progress);
  }

  async *#counted(first: IteratorResult<GenerationEvent, void>, rest: Events): Events {
    try {
      for (let result = first; !result.done; result = await rest.next()) {
        if (result.value.type === 'token') this.#progress.tokens++;
        else if (result.value.type === 'context_reset') this.#progress.resets++;
        yield result.value;
      }
    } finally {
      await rest.return();
      this.#reservation.close();
    }
  }
}

function decodePrompt(
  { tokenizer, constraints }: ServedModel,
  request: GenerationRequest,
  tree: ReservedTree,
  index: number,
  { constraint, catalogue, signal }: DecodingRun,
): Decoding {
  const { prompts, showSpecialTokens = false } = request;
  const prompt = prompts[index] as Prompt;
  const { ids, healed } = prompt;
  // Stop strings end what the client reads, which mostly is the text without special tokens.
  const decoding = { skipSpecialTokens: !showSpecialTokens };
  const textBytes = {
    tokenBytes: (id: number) => tokenizer.tokenBytes(id, decoding),
    allBytes: (id: number) => tokenizer.tokenBytes(id),
    encode: (text: string) => encodeAlone(tokenizer, text),
    texts: tokenizer.isPlain ? undefined : tokenizer.windows(decoding),
  };
  return decodeResolved(tree, ids, optionsOf(request, prompt), {
    tokenizer: textBytes,
    constraint: healed ? constraints.after(healed.bytes, constraint) : constraint,
    healed,
    catalogue: catalogue?.trie,
    signal,
  });
}

/** The tokens of a text without those of the template; none if the vocabulary has none for it. */
function encodeAlone(tokenizer: Tokenizer, text: string): ArrayLike<number> {
  try {
    return tokenizer.encode(text, { splitSpecialTokens: true, addSpecialTokens: false });
  } catch (error) {
    if (error instanceof UnencodableTextError) return [];
    throw error;
  }
}

/** The texts of some of the request's prompts, decoded one after the other in one tree. */
async function* promptResults(
  model: ServedModel,
  request: GenerationRequest,
  tree: ReservedTree,
  prompts: readonly number[],
  { onToken, onReset, ...options }: DecodingRun & Record<'onToken' | 'onReset', () => void>,
): AsyncGenerator<PromptResult, void, undefined> {
  for (const prompt of prompts) {
    const ids = request.prompts[prompt]?.ids ?? [];
    const decoding = decodePrompt(model, request, tree, prompt, options);
    let promptLog: PromptResult['promptLog'] = null;
    let result = await decoding.next();
    for (; !result.done; result = await decoding.next()) {
      if (result.value.type === 'token') onToken();
      else if (result.value.type === 'context_reset') onReset();
      else if (result.value.type === 'prompt') promptLog = promptLogOf(ids, result.value.logprobs);
    }
    const texts = textsOf(result.value, request.options.num_return_sequences, options.catalogue);
    yield { prompt, promptLog, texts };
  }
}

/** The events of some of the request's prompts, decoded one after the other in one tree. */
async function* textEvents(
  model: ServedModel,
  request: GenerationRequest,
  tree: ReservedTree,
  prompts: readonly number[],
  options: DecodingRun,
): Events {
  for (const prompt of prompts) {
    const texts = new PromptTexts(model.tokenizer, request, prompt, options.catalogue);
    const decoding = decodePrompt(model, request, tree, prompt, options);
    try {
      let result = await decoding.next();
      for (; !result.done; result = await decoding.next()) {
        const event = result.value;
        if (event.type === 'token') yield* texts.token(event.sequence, event);
        else if (event.type === 'prompt' || event.type === 'context_reset') yield { ...event, prompt };
        else if (event.type === 'beams') yield texts.beams(event);
        // The score of a beam search is in its result, right after this event.
        else if (request.options.num_beams === 1 && !options.catalogue) {
          yield* texts.finish(event.sequence, { finish_reason: event.reason, score: null });
        }
      }
      yield* texts.rest(result.value.sequences);
    } finally {
      await decoding.return({ sequences: [], warnings: [] });
    }
  }
}
