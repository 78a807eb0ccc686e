/** @module Seeded generations that must be bit-identical on every platform. */
import { decodeAll } from '../../decoding/decode.ts';
import type { DecodedSequence } from '../../decoding/interface/events.ts';
import type { DecodingOptions } from '../../decoding/options/options.ts';
import type { Engine } from '../../engine/engine.ts';
import { Tokenizer } from '../../tokenizer/tokenizer.ts';

const PROMPT = 'Once upon a time';

export const SEEDED: readonly DecodingOptions[] = [
  {},
  { do_sample: true, seed: 1 },
  { do_sample: true, seed: 2 ** 40 + 7, temperature: 0.8, top_k: 40, top_p: 0.95 },
  { do_sample: true, seed: -3, typical_p: 0.9, min_p: 0.01, num_return_sequences: 3 },
  { do_sample: true, seed: 4, top_h: 0.5, repetition_penalty: 1.2, logprobs: 3 },
  { num_beams: 4, no_repeat_ngram_size: 2, num_return_sequences: 2 },
  { num_beams: 3, do_sample: true, seed: 5, temperature: 1.3 },
  { num_beams: 4, num_beam_groups: 2, diversity_penalty: 0.7, num_return_sequences: 4 },
];

/** @param engine with the default model in int4 or int8, where a row's logits depend only on its path */
export async function generateSeeded(engine: Engine): Promise<(readonly DecodedSequence[])[]> {
  const prompt = Tokenizer.read(engine.tokenizerFile).encode(PROMPT);
  const results: (readonly DecodedSequence[])[] = [];
  for (const options of SEEDED) {
    results.push((await decodeAll(engine, prompt, { max_new_tokens: 24, ...options })).sequences);
  }
  return results;
}
