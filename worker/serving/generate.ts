/**
 * @module Runs a generation request: decodes each prompt and turns tokens into text. Several prompts run
 * concurrently as far as the cache has space. Independent of HTTP.
 */
import { type DecodingContext, decodeResolved } from '../../decoding/decode.ts';
import { branchCount, requiredNodes } from '../../decoding/options/capacity.ts';
import { checkTokenIds } from '../../decoding/options/check-against-model.ts';
import type { QueueLimits } from '../../engine/batching/admission.ts';
import { SlotsExhaustedError } from '../../engine/cache/errors.ts';
import type { Engine } from '../../engine/engine.ts';
import type { Usage } from '../http/request-record.ts';
import type { ServedModel } from '../isolate/served-model.ts';
import type { GenerationEvent } from './events.ts';
import { merge } from './merge.ts';
import { PromptTexts } from './prompt-texts.ts';
import type { GenerationRequest } from './request.ts';
import { ReservedTree } from './reserved-tree.ts';

/**
 * Target rows per pass for a request of several prompts: eight rows cost much less than twice as much as
 * four.
 */
const TARGET_ROWS = 8;

const NO_BYTES = new Uint8Array();

type Events = AsyncGenerator<GenerationEvent, void, undefined>;

/**
 * Checks the options against the model, waits for the cache space that the request needs at most, and
 * computes up to the first event: the status of the answer is certain when this returns.
 * @throws DecodingOptionsError for invalid token ids; SlotsExhaustedError for a request that never fits;
 *   QueueFullError and QueueTimeoutError for one that does not fit now
 */
export async function startGeneration(
  model: ServedModel,
  request: GenerationRequest,
  limits: QueueLimits,
  signal: AbortSignal,
): Promise<Generation> {
  const { engine } = model;
  checkTokenIds(request.options, engine);
  const reserve = () => reserveTrees(engine, request);
  const { value: trees, milliseconds } = await engine.admission.admit(reserve, limits, signal);
  try {
    const streams = trees.map((tree, i) => {
      const prompts = [...request.prompts.keys()].filter((prompt) => prompt % trees.length === i);
      return textEvents(model, request, tree, prompts, signal);
    });
    const [only] = streams;
    const events = only && streams.length === 1 ? only : merge(streams);
    return new Generation(request, await events.next(), events, trees, milliseconds);
  } catch (error) {
    for (const tree of trees) tree.close();
    throw error;
  }
}

/** A running generation whose first event has been computed. */
export class Generation {
  /** Time spent waiting for cache space. */
  readonly queuedMilliseconds: number;
  /** Leaving the loop frees the cache space. */
  readonly events: Events;
  readonly #trees: readonly ReservedTree[];
  readonly #promptTokens: number;
  #completionTokens = 0;

  constructor(
    { prompts }: GenerationRequest,
    first: IteratorResult<GenerationEvent, void>,
    rest: Events,
    trees: readonly ReservedTree[],
    queuedMilliseconds: number,
  ) {
    this.queuedMilliseconds = queuedMilliseconds;
    this.#trees = trees;
    this.#promptTokens = prompts.reduce((sum, { ids }) => sum + ids.length, 0);
    this.events = this.#counted(first, rest);
  }

  /** The usage so far. The token that ends a text counts; a repeated text counts each time. */
  get usage(): Usage {
    const [prompt_tokens, completion_tokens] = [this.#promptTokens, this.#completionTokens];
    return {
      prompt_tokens,
      completion_tokens,
      total_tokens: prompt_tokens + completion_tokens,
      prompt_tokens_details: {
        cached_tokens: this.#trees.reduce((sum, { reusedEvaluations }) => sum + reusedEvaluations, 0),
      },
    };
  }

  async *#counted(first: IteratorResult<GenerationEvent, void>, rest: Events): Events {
    try {
      for (let result = first; !result.done; result = await rest.next()) {
        if (result.value.type === 'token') this.#completionTokens++;
        yield result.value;
      }
    } finally {
      await rest.return();
      for (const tree of this.#trees) tree.close();
    }
  }
}

/**
 * Reserves a tree for each prompt, or fewer if the cache has less space or `TARGET_ROWS` is reached. All are
 * reserved before the first pass, so a batch of prompts never fails half way.
 * @throws SlotsExhaustedError when the largest of the prompts does not fit
 */
function reserveTrees(
  engine: Engine,
  { prompts, options, cachePrompt: shared }: GenerationRequest,
): ReservedTree[] {
  const nodes = Math.max(...prompts.map(({ ids }) => requiredNodes(ids.length, options)));
  const count = Math.max(1, Math.min(prompts.length, Math.floor(TARGET_ROWS / branchCount(options))));
  // A tree that serves several prompts in turn must reserve space without a cached prefix: the second prompt
  // does not share the first one's.
  const prompt = prompts.length === 1 ? prompts[0]?.ids : undefined;
  const trees = [new ReservedTree(engine, engine.open(nodes, { prompt, shared }))];
  try {
    while (trees.length < count) trees.push(new ReservedTree(engine, engine.open(nodes, { shared })));
  } catch (error) {
    if (!(error instanceof SlotsExhaustedError)) throw error;
  }
  return trees;
}

/** The bytes of tokens in an answer's text, in which stop strings are: special tokens have none there. */
function textBytes(tokenizer: ServedModel['tokenizer']): DecodingContext['tokenizer'] {
  const special = new Set(tokenizer.specialTokens.values());
  return { tokenBytes: (id) => (special.has(id) ? NO_BYTES : tokenizer.tokenBytes(id)) };
}

/** The events of some of the request's prompts, decoded one after the other in one tree. */
async function* textEvents(
  { tokenizer }: ServedModel,
  request: GenerationRequest,
  tree: ReservedTree,
  prompts: readonly number[],
  signal: AbortSignal,
): Events {
  const { options } = request;
  for (const prompt of prompts) {
    const texts = new PromptTexts(tokenizer, request, prompt);
    const ids = request.prompts[prompt]?.ids ?? [];
    const decoding = decodeResolved(tree, ids, options, { tokenizer: textBytes(tokenizer), signal });
    try {
      let result = await decoding.next();
      for (; !result.done; result = await decoding.next()) {
        const event = result.value;
        if (event.type === 'token') yield* texts.token(event.sequence, event);
        else if (event.type === 'prompt') yield { ...event, prompt };
        else if (event.type === 'beams') yield texts.beams(event);
        // The score of a beam search is in its result, right after this event.
        else if (options.num_beams === 1) yield* texts.finish(event.sequence, event.reason, null);
      }
      for (const [sequence, decoded] of result.value.sequences.entries())
        yield* texts.rest(sequence, decoded);
    } finally {
      await decoding.return({ sequences: [], warnings: [] });
    }
  }
}
