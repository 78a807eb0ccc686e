/** @module The list of processors against transformers' (test/golden/make-processors-golden.py). */
import { describe, expect, it } from 'vitest';
import { processorsOf, type SearchLimits } from '../../../../decoding/options/processors.ts';
import { type DecodingOptions, decodingOptionsSchema } from '../../../../decoding/options/options.ts';
import * as given from '../../../golden/processors-golden.ts';

const { golden, EOS, MAX_LENGTH, PROMPT } = given;

/** The reference's classes under the names of ours. */
const CLASSES: Record<string, string> = {
  sequenceBias: 'SequenceBiasLogitsProcessor',
  repetitionPenalty: 'RepetitionPenaltyLogitsProcessor',
  noRepeatNgram: 'NoRepeatNGramLogitsProcessor',
  badWords: 'NoBadWordsLogitsProcessor',
  minLength: 'MinLengthLogitsProcessor',
  minNewTokens: 'MinNewTokensLengthLogitsProcessor',
  forcedEos: 'ForcedEOSTokenLogitsProcessor',
  removeInvalidValues: 'InfNanRemoveLogitsProcessor',
  exponentialDecayLengthPenalty: 'ExponentialDecayLengthPenalty',
  suppressTokens: 'SuppressTokensLogitsProcessor',
  beginSuppressTokens: 'SuppressTokensAtBeginLogitsProcessor',
  temperature: 'TemperatureLogitsWarper',
  topH: 'TopHLogitsWarper',
  topK: 'TopKLogitsWarper',
  topP: 'TopPLogitsWarper',
  minP: 'MinPLogitsWarper',
  typicalP: 'TypicalLogitsWarper',
  epsilonCutoff: 'EpsilonLogitsWarper',
  etaCutoff: 'EtaLogitsWarper',
  renormalizeLogits: 'LogitNormalization',
};

function build(options: DecodingOptions, context: Partial<SearchLimits> = {}) {
  const whole = { promptLength: PROMPT, eosTokenIds: EOS, maxLength: MAX_LENGTH, ...context };
  return processorsOf(decodingOptionsSchema.parse(options), whole);
}

function names(options: DecodingOptions, context: Partial<SearchLimits> = {}): string[] {
  return build(options, context).map((processor) => processor.name);
}

describe('the list', () => {
  it('is that of the reference, in its order', () => {
    for (const [options, eosTokenIds, processors] of golden.lists) {
      const classes = names(options, { eosTokenIds }).map((name) => CLASSES[name]);
      expect({ options, classes }).toEqual({ options, classes: processors.map(([name]) => name) });
    }
  });

  it("has what the reference does not know where a caller's own processors go", () => {
    const own = { logit_bias: { 7: 1 }, frequency_penalty: 0.5, allowed_token_ids: [1, 2] };
    expect(names(own)).toEqual(['sequenceBias', 'frequencyPresencePenalty', 'allowedTokens']);
    expect(names({ ...own, begin_suppress_tokens: [1], do_sample: true, temperature: 2 })).toEqual([
      'sequenceBias',
      'beginSuppressTokens',
      'frequencyPresencePenalty',
      'allowedTokens',
      'temperature',
    ]);
    expect(names({ presence_penalty: -1 })).toEqual(['frequencyPresencePenalty']);
  });

  it('skips bad words that are but the end of text', () => {
    expect(names({ bad_words_ids: [EOS] })).toEqual([]);
  });
});

describe('min_tokens_to_keep', () => {
  it('is that of the reference', () => {
    const sampling = golden.lists.filter(([, , processors]) => processors.some(([, keep]) => keep !== null));
    expect(sampling.length).toBeGreaterThan(50);
    for (const [{ num_beams = 1 }, eosTokenIds, processors] of sampling) {
      const kept = processors.map(([, keep]) => keep).filter((keep) => keep !== null);
      const scores = Float32Array.from({ length: 97 }, (_, i) => i);
      for (const processor of build({ do_sample: true, num_beams, top_k: 1 }, { eosTokenIds })) {
        processor(scores, { tokens: new Int32Array(0), length: 0 });
      }
      expect(new Set(kept)).toEqual(new Set([scores.filter(Number.isFinite).length]));
    }
  });
});

it('the chain gives the scores of the reference, to rounding', () => {
  expect(golden.chains.length).toBeGreaterThan(50);
  for (const [options, length, seed, rows] of golden.chains) {
    // One list for all rows, as for beams: nothing is left over from a row.
    const processors = build(options);
    rows.forEach((expected, i) => {
      const scores = given.rowWithEndAt(i, 97, seed);
      const sequence = given.sequenceAt(i, 97, length, seed);
      for (const processor of processors) processor(scores, sequence);
      const theirs = given.floatsOf(expected);
      // Of equal scores a processor may keep some, and which is not defined.
      if (given.KINDS[i] === 'ties') {
        scores.sort();
        theirs.sort();
      }
      const far = scores.findIndex((score, j) => !isNear(score, theirs[j] as number));
      expect({ options, length, seed, i, far }).toEqual({ options, length, seed, i, far: -1 });
    });
  }
});

function isNear(a: number, b: number): boolean {
  return Object.is(a, b) || a === b || Math.abs(a - b) <= 2e-6 * Math.max(1, Math.abs(b));
}
