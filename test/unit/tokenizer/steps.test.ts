/** @module Normalizers and pre-tokenizers against the reference (test/golden/make-tokenizer-steps-golden.py). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Step } from '../../../model-assets/tokenizer/files/tokenizer-json.ts';
import { describeNormalizers } from '../../../model-assets/tokenizer/pipeline/normalizers.ts';
import { describePreTokenizers } from '../../../model-assets/tokenizer/pipeline/pre-tokenizers.ts';
import { translateRegex } from '../../../model-assets/tokenizer/regex/oniguruma.ts';
import { Tables } from '../../../tokenizer/format/file.ts';
import { createNormalizer } from '../../../tokenizer/normalizers/normalizers.ts';
import { createPreTokenizer } from '../../../tokenizer/pre-tokenizers/pre-tokenizers.ts';
import { GOLDEN } from '../../support/models.ts';

interface Golden {
  readonly texts: readonly string[];
  readonly normalizers: readonly [step: Step, texts: readonly (string | null)[]][];
  readonly preTokenizers: readonly [step: Step, pieces: readonly (readonly string[] | null)[]][];
  readonly patterns: readonly [pattern: string, pieces: readonly (readonly string[] | null)[]][];
  readonly invalid: readonly string[];
}

const golden: Golden = JSON.parse(
  gunzipSync(readFileSync(join(GOLDEN, 'tokenizer-steps.json.gz'))).toString('utf8'),
);

/** The pieces of all texts, with their bytes as symbols where the model would read bytes. */
function piecesOf(step: Step): string[][] {
  const descriptions = describePreTokenizers(step, 'pre_tokenizer').map((description) =>
    description.type === 'ByteLevel' ? { ...description, toSymbols: true } : description,
  );
  const preTokenize = createPreTokenizer<string[]>(descriptions, (piece, pieces) => pieces.push(piece));
  return golden.texts.map((text) => {
    const pieces: string[] = [];
    if (text !== '') preTokenize(text, true, pieces);
    return pieces;
  });
}

const expectedPieces = (pieces: readonly (readonly string[] | null)[]) =>
  pieces.map((list, i) => list ?? [golden.texts[i]]);

const nameOf = (step: Step) => JSON.stringify(step);

describe('normalizers', () => {
  it.each(golden.normalizers.map(([step, texts]) => [nameOf(step), step, texts] as const))(
    '%s',
    (_, step, texts) => {
      const { normalizers, tables } = describeNormalizers(step, 'normalizer');
      const normalize = createNormalizer(normalizers, new Tables(tables));
      expect(golden.texts.map(normalize)).toEqual(texts.map((text, i) => text ?? golden.texts[i]));
    },
  );
});

describe('pre-tokenizers', () => {
  it.each(golden.preTokenizers.map(([step, pieces]) => [nameOf(step), step, pieces] as const))(
    '%s',
    (_, step, pieces) => {
      expect(piecesOf(step)).toEqual(expectedPieces(pieces));
    },
  );
});

describe('regular expressions', () => {
  it.each(golden.patterns)('%s', (pattern, pieces) => {
    const split = { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false };
    expect(piecesOf(split)).toEqual(expectedPieces(pieces));
  });

  it.each(golden.invalid)('%s is refused', (pattern) => {
    expect(() => translateRegex(pattern, 'here')).toThrow('here: the regular expression ');
  });
});
