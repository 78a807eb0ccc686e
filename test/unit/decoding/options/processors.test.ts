/** @module The list of processors against transformers' (test/golden/make-processors-golden.py). */
import { describe, expect, it } from 'vitest';
import { type DecodingOptions, decodingOptionsSchema } from '../../../../decoding/options/options.ts';
import { processorsOf, type SearchLimits } from '../../../../decoding/options/processors.ts';
import * as cases from '../../../golden/processors-golden.ts';

const { golden, EOS, MAX_LENGTH, PROMPT } = cases;

/** The reference's class for each of our processors. */
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
  const limits = { promptLength: PROMPT, eosTokenIds: EOS, maxLength: MAX_LENGTH, ...context };
  return processorsOf(decodingOptionsSchema.parse(options), limits);
}

function names(options: DecodingOptions, context: Partial<SearchLimits> = {}): string[] {
  return build(options, context).map((processor) => processor.name);
}

describe('the list', () => {
  it('matches the reference, in the same order', () => {
    for (const [options, eosTokenIds, processors] of golden.lists) {
      const classes = names(options, { eosTokenIds }).map((name) => CLASSES[name]);
      expect({ options, classes }).toEqual({ options, classes: processors.map(([name]) => name) });
    }
  });

  it("has additional processors where the reference runs a caller's custom ones", () => {
    const additional = { logit_bias: { 7: 1 }, frequency_penalty: 0.5, allowed_token_ids: [1, 2] };
    expect(names(additional)).toEqual(['sequenceBias', 'frequencyPresencePenalty', 'allowedTokens']);
    expect(names({ ...additional, begin_suppress_tokens: [1], do_sample: true, temperature: 2 })).toEqual([
      'sequenceBias',
      'beginSuppressTokens',
      'frequencyPresencePenalty',
      'allowedTokens',
      'temperature',
    ]);
    expect(names({ presence_penalty: -1 })).toEqual(['frequencyPresencePenalty']);
  });

  it('skips bad words that only consist of the end of text', () => {
    expect(names({ bad_words_ids: [EOS] })).toEqual([]);
  });
});

describe('min_tokens_to_keep', () => {
  it('matches the reference', () => {
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

it('the chain of processors matches the scores of the reference up to rounding', () => {
  expect(golden.chains.length).toBeGreaterThan(50);
  for (const [options, length, seed, rows] of golden.chains) {
    // One list for all rows, as in beam search: processors must not carry state from row to row.
    const processors = build(options);
    rows.forEach((expected, i) => {
      const scores = cases.rowWithEndAt(i, 97, seed);
      const sequence = cases.sequenceAt(i, 97, length, seed);
      for (const processor of processors) processor(scores, sequence);
      const theirs = cases.floatsOf(expected);
      // The choice among ties is not defined.
      if (cases.KINDS[i] === 'ties') {
        scores.sort();
        theirs.sort();
      }
      const mismatch = scores.findIndex((score, j) => !isNear(score, theirs[j] as number));
      expect({ options, length, seed, i, mismatch }).toEqual({ options, length, seed, i, mismatch: -1 });
    });
  }
});

function isNear(a: number, b: number): boolean {
  return Object.is(a, b) || a === b || Math.abs(a - b) <= 2e-6 * Math.max(1, Math.abs(b));
}
