/** @module Arbitrary models, prompts and options, for property tests of decoding. */
import fc from 'fast-check';
import { decode } from '../../decoding/decode.ts';
import type {
  BeamsEvent,
  DecodingEvent,
  DecodingResult,
  TokenEvent,
} from '../../decoding/interface/events.ts';
import type { DecodingOptions } from '../../decoding/options/options.ts';
import { LookupModel } from './lookup-model.ts';

const TOLERANCE = 1e-5;

export interface Case {
  readonly model: LookupModel;
  readonly prompt: readonly number[];
}

/**
 * A new model, and a prompt of its vocabulary. Of four tokens one remains while a minimum length bans two ends of
 * text and a stop token.
 */
export function cases(vocabulary: { min: number; max: number } = { min: 4, max: 12 }): fc.Arbitrary<Case> {
  return fc.integer(vocabulary).chain((vocabSize) =>
    fc
      .record({
        seed: fc.nat(),
        eosTokenIds: fc.uniqueArray(fc.nat({ max: vocabSize - 1 }), { maxLength: 2 }),
        memory: fc.constantFrom(1, 2, 100),
        prompt: fc.array(fc.nat({ max: vocabSize - 1 }), { minLength: 1, maxLength: 5 }),
      })
      .map(({ prompt, ...options }) => ({ model: new LookupModel({ ...options, vocabSize }), prompt })),
  );
}

/** Options of every strategy. */
const common = {
  max_new_tokens: fc.integer({ min: 1, max: 8 }),
  repetition_penalty: fc.constantFrom(1, 1.3, 0.8),
  min_new_tokens: fc.constantFrom(0, 2),
  stop_token_ids: fc.constantFrom([], [1]),
  logprobs: fc.constantFrom(undefined, 2),
};
const warpers = {
  temperature: fc.constantFrom(0.5, 1, 1.7),
  top_k: fc.constantFrom(0, 3),
  top_p: fc.constantFrom(1, 0.9),
  renormalize_logits: fc.boolean(),
};
const seed = fc.integer();

export const greedy = fc.record(common).map(withoutUndefined);
export const sampling = fc
  .record({ ...common, ...warpers, seed, num_return_sequences: fc.integer({ min: 1, max: 4 }) })
  .map((options) => ({ ...withoutUndefined(options), do_sample: true }));
export const beams = fc
  .record({
    ...common,
    num_beams: fc.integer({ min: 2, max: 5 }),
    num_return_sequences: fc.integer({ min: 1, max: 2 }),
    length_penalty: fc.constantFrom(-1, 0, 0.5, 1, 2),
    early_stopping: fc.constantFrom(true, false, 'never' as const),
  })
  .map(withoutUndefined);
export const beamSampling = fc
  .tuple(beams, fc.record({ ...warpers, seed }))
  .map(([options, sampled]) => ({ ...options, ...sampled, do_sample: true }));
/** Diverse beam search. */
export const groups = fc
  .tuple(
    beams,
    fc.record({
      num_beam_groups: fc.integer({ min: 2, max: 3 }),
      perGroup: fc.integer({ min: 1, max: 3 }),
      diversity_penalty: fc.constantFrom(0.1, 0.5, 2),
    }),
  )
  .map(([options, { perGroup, num_beam_groups, diversity_penalty }]) => ({
    ...options,
    num_beams: perGroup * num_beam_groups,
    num_beam_groups,
    diversity_penalty,
  }));
export const anyBeams = fc.oneof(beams, beamSampling, groups);
export const anyStrategy = fc.oneof(greedy, sampling, anyBeams);

function withoutUndefined<T extends object>(options: T): DecodingOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

export interface Run {
  readonly events: readonly DecodingEvent[];
  readonly result: DecodingResult;
}

export async function run({ model, prompt }: Case, options: DecodingOptions): Promise<Run> {
  const events: DecodingEvent[] = [];
  const decoding = decode(model, prompt, options);
  for (;;) {
    const { done, value } = await decoding.next();
    if (done) return { events, result: value };
    events.push(value);
  }
}

export function tokensOf(events: readonly DecodingEvent[], sequence: number): TokenEvent[] {
  return events.filter((event) => event.type === 'token').filter((event) => event.sequence === sequence);
}

export function frontsOf(events: readonly DecodingEvent[]): BeamsEvent[] {
  return events.filter((event) => event.type === 'beams');
}

export function isClose(a: number, b: number): boolean {
  return Math.abs(a - b) <= TOLERANCE * Math.max(1, Math.abs(a));
}
