/** @module Generation requests of every kind, and the events of a generation by prompt. */
import { setImmediate } from 'node:timers/promises';
import { type DecodingOptions, resolveOptions } from '../../decoding/options/options.ts';
import type { QueueLimits } from '../../engine/batching/admission.ts';
import type { Engine } from '../../engine/engine.ts';
import { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { Catalogues } from '../../worker/isolate/catalogues.ts';
import { Constraints } from '../../worker/isolate/constraints.ts';
import type { ServedModel } from '../../worker/isolate/served-model.ts';
import type { GenerationEvent } from '../../worker/serving/events.ts';
import { startGeneration } from '../../worker/serving/generate.ts';
import type { GenerationRequest } from '../../worker/serving/request.ts';

const LIMITS: QueueLimits = { length: 64, milliseconds: 30_000 };
const NEVER = new AbortController().signal;

export type EventsByPrompt = ReadonlyMap<number, readonly GenerationEvent[]>;

/** @param prompts token ids */
export function request(
  prompts: readonly (readonly number[])[],
  options: DecodingOptions,
  overrides: Partial<GenerationRequest> = {},
): GenerationRequest {
  return {
    prompts: prompts.map((ids) => ({ ids, text: '' })),
    options: resolveOptions({ max_new_tokens: 8, ignore_eos: true, ...options }).options,
    n: options.num_return_sequences ?? 1,
    keepStop: false,
    cachePrompt: true,
    fields: { prompt: 'prompt', maxTokens: 'max_tokens', n: 'n', logprobs: 'logprobs' },
    ...overrides,
  };
}

export function servedModel(engine: Engine): ServedModel {
  const tokenizer = Tokenizer.read(engine.tokenizerFile);
  const catalogues = new Catalogues(engine);
  const constraints = new Constraints(tokenizer, engine.memory, catalogues);
  return { engine, tokenizer, constraints, catalogues, defaults: {} };
}

/** Runs a request and returns its events by prompt: the prompts of a request progress independently. */
export async function eventsByPrompt(
  engine: Engine,
  generationRequest: GenerationRequest,
  limits: QueueLimits = LIMITS,
  signal: AbortSignal = NEVER,
): Promise<EventsByPrompt> {
  const byPrompt = new Map<number, GenerationEvent[]>();
  const { events } = await startGeneration(servedModel(engine), generationRequest, { limits, signal });
  for await (const event of events) {
    const prompt = 'prompt' in event ? event.prompt : Math.floor(event.choice / generationRequest.n);
    const promptEvents = byPrompt.get(prompt) ?? [];
    byPrompt.set(prompt, promptEvents);
    promptEvents.push(event);
    // A reader of a stream also yields to the event loop between events.
    await setImmediate();
  }
  return byPrompt;
}

const ids = (first: number, length: number) => Array.from({ length }, (_, i) => (first + 7 * i) % 300);
const COMMON = ids(90, 20);

/** Requests of every kind. Their prompts begin with different tokens, except for two that share a prefix. */
export const EVERY_KIND: Readonly<Record<string, GenerationRequest>> = {
  greedy: request([ids(1, 5)], { logprobs: 2 }),
  sampling: request([ids(2, 3)], { do_sample: true, num_return_sequences: 3, seed: 7, top_p: 0.9 }),
  beams: request([ids(3, 4)], { num_beams: 4, num_return_sequences: 2 }),
  'diverse beams': request([ids(4, 2)], { num_beams: 4, num_beam_groups: 2, diversity_penalty: 1 }),
  'a long prompt': request([ids(5, 70)], { prompt_logprobs: 1, max_new_tokens: 4 }),
  'two prompts': request([ids(6, 6), ids(7, 9)], { max_new_tokens: 5 }),
  'a common prefix': request([[...COMMON, 1, 2]], {}),
  'the same prefix': request([[...COMMON, 3]], { do_sample: true, seed: 1 }),
  'a text longer than the context': request([ids(9, 90)], {
    ...{ truncation: 'auto', n_keep: 4, n_discard: 80, max_new_tokens: 12 },
  }),
  'beams longer than the context': request([ids(10, 94)], {
    ...{ truncation: 'auto', n_discard: 90, num_beams: 3, max_new_tokens: 8 },
  }),
  private: request([ids(8, 6)], {}, { cachePrompt: false }),
};
