/** @module Describes the pre-tokenizers of `tokenizer.json`. */
import * as z from 'zod';
import type { PreTokenizerDescription } from '../../../tokenizer/format/description.ts';
import { check, fail } from '../files/folder.ts';
import type { Step } from '../files/tokenizer-json.ts';
import { patternSchema, toPattern } from './patterns.ts';
import { type LocatedStep, stepsOf } from './steps.ts';

const behavior = z.enum(['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous']);
const character = z.string().refine((text) => [...text].length === 1, 'expected one character');

const byteLevel = z.object({
  add_prefix_space: z.boolean().default(true),
  use_regex: z.boolean().default(true),
});
const digits = z.object({ individual_digits: z.boolean() });
const punctuation = z.object({ behavior: behavior.default('Isolated') });
const split = z.object({ pattern: patternSchema, behavior, invert: z.boolean() });
const delimiter = z.object({ delimiter: character });
const fixedLength = z.object({ length: z.int().positive() });
const metaspace = z.object({
  replacement: character,
  prepend_scheme: z.enum(['always', 'first', 'never']).default('always'),
  split: z.boolean().default(true),
  /** Of earlier versions. */
  add_prefix_space: z.boolean().nullish(),
});

/** The last of these leaves its bytes to the model, if it is `ByteLevel` (`toSymbols` is false then). */
export function describePreTokenizers(
  step: Step | null | undefined,
  location: string,
): PreTokenizerDescription[] {
  const described = stepsOf(step, location, 'pretokenizers').map(describe);
  const last = described.at(-1);
  return last?.type === 'ByteLevel' ? described.with(-1, { ...last, toSymbols: false }) : described;
}

function describe({ step, location }: LocatedStep): PreTokenizerDescription {
  const { type } = step;
  switch (type) {
    case 'ByteLevel': {
      const { add_prefix_space, use_regex } = check(location, byteLevel, step);
      return { type, addPrefixSpace: add_prefix_space, useRegex: use_regex, toSymbols: true };
    }
    case 'Whitespace':
    case 'WhitespaceSplit':
    case 'BertPreTokenizer':
      return { type };
    case 'Digits':
      return { type, individualDigits: check(location, digits, step).individual_digits };
    case 'Punctuation':
      return { type, behavior: check(location, punctuation, step).behavior };
    case 'Split': {
      const fields = check(location, split, step);
      return { type, ...fields, pattern: toPattern(fields.pattern, location) };
    }
    case 'CharDelimiterSplit': {
      const pattern = { string: check(location, delimiter, step).delimiter };
      return { type: 'Split', pattern, behavior: 'Removed', invert: false };
    }
    case 'Metaspace': {
      const fields = check(location, metaspace, step);
      const isNever = fields.add_prefix_space === false;
      return {
        type,
        replacement: fields.replacement,
        prependScheme: isNever ? 'never' : fields.prepend_scheme,
        split: fields.split,
      };
    }
    case 'FixedLength':
      return { type, length: check(location, fixedLength, step).length };
    default:
      return fail(location, `the pre-tokenizer "${type}" is not supported`);
  }
}
