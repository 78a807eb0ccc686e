/** @module Generations of every kind beside each other, and what each of them gives alone. */
import { setImmediate } from 'node:timers/promises';
import { type DecodingOptions, resolveOptions } from '../../decoding/options/options.ts';
import type { QueueLimits } from '../../engine/batching/admission.ts';
import type { Engine } from '../../engine/engine.ts';
import { Tokenizer } from '../../tokenizer/tokenizer.ts';
import type { ServedModel } from '../../worker/isolate/served-model.ts';
import type { GenerationEvent } from '../../worker/serving/events.ts';
import { startGeneration } from '../../worker/serving/generate.ts';
import type { GenerationRequest } from '../../worker/serving/request.ts';

const LIMITS: QueueLimits = { length: 64, milliseconds: 30_000 };
const NEVER = new AbortController().signal;

export type Told = ReadonlyMap<number, readonly GenerationEvent[]>;

/** @param prompts token ids */
export function request(
  prompts: readonly (readonly number[])[],
  options: DecodingOptions,
  more: Partial<GenerationRequest> = {},
): GenerationRequest {
  return {
    prompts: prompts.map((ids) => ({ ids, text: '' })),
    options: resolveOptions({ max_new_tokens: 8, ignore_eos: true, ...options }).options,
    n: options.num_return_sequences ?? 1,
    keepStop: false,
    cachePrompt: true,
    fields: { prompt: 'prompt', maxTokens: 'max_tokens' },
    ...more,
  };
}

export function servedModel(engine: Engine): ServedModel {
  return { engine, tokenizer: Tokenizer.read(engine.tokenizerFile) };
}

/** All that it tells, by its prompts: those of one request go on independently of each other. */
export async function tell(
  engine: Engine,
  given: GenerationRequest,
  limits: QueueLimits = LIMITS,
  signal: AbortSignal = NEVER,
): Promise<Told> {
  const told = new Map<number, GenerationEvent[]>();
  const { events } = await startGeneration(servedModel(engine), given, limits, signal);
  for await (const event of events) {
    const prompt = 'prompt' in event ? event.prompt : Math.floor(event.choice / given.n);
    const list = told.get(prompt) ?? [];
    told.set(prompt, list);
    list.push(event);
    // As who reads a stream.
    await setImmediate();
  }
  return told;
}

const ids = (first: number, length: number) => Array.from({ length }, (_, i) => (first + 7 * i) % 300);
const COMMON = ids(90, 20);

/** Every kind. Their first tokens tell them apart, but those of two that begin alike. */
export const EVERY_KIND: Readonly<Record<string, GenerationRequest>> = {
  greedy: request([ids(1, 5)], { logprobs: 2 }),
  sampling: request([ids(2, 3)], { do_sample: true, num_return_sequences: 3, seed: 7, top_p: 0.9 }),
  beams: request([ids(3, 4)], { num_beams: 4, num_return_sequences: 2 }),
  'diverse beams': request([ids(4, 2)], { num_beams: 4, num_beam_groups: 2, diversity_penalty: 1 }),
  'a long prompt': request([ids(5, 70)], { prompt_logprobs: 1, max_new_tokens: 4 }),
  'two prompts': request([ids(6, 6), ids(7, 9)], { max_new_tokens: 5 }),
  'a common beginning': request([[...COMMON, 1, 2]], {}),
  'the same beginning': request([[...COMMON, 3]], { do_sample: true, seed: 1 }),
  private: request([ids(8, 6)], {}, { cachePrompt: false }),
};
