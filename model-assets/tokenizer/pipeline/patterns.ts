/** @module Patterns of `tokenizer.json`: a string or a regular expression. */
import * as z from 'zod';
import type { Pattern } from '../../../tokenizer/format/description.ts';
import { regExpOf } from '../../../tokenizer/unicode/patterns.ts';
import { translateRegex } from '../regex/oniguruma.ts';
import { probeRegex } from '../regex/probe.ts';

export const patternSchema = z.union([z.object({ String: z.string() }), z.object({ Regex: z.string() })]);

/** @throws CheckpointError if the expression is invalid, cannot be translated, or takes too long */
export function toPattern(pattern: z.infer<typeof patternSchema>, location: string): Pattern {
  if ('String' in pattern) return { string: pattern.String };
  const translated = translateRegex(pattern.Regex, location);
  probeRegex(regExpOf(translated), pattern.Regex, location);
  return translated;
}
