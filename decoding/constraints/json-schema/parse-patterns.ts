/** @module Keys that match a pattern. */
import { patternOf } from './languages.ts';
import { at } from './parse-scalars.ts';
import { ANY_STRING, type StringPattern } from './strings.ts';
import type { Algebra } from './values.ts';

/** @param place of the pattern */
export function keysOf(pattern: string, place: string, { budget }: Algebra): StringPattern {
  return { ...ANY_STRING, language: at(place, 'patternProperties', () => patternOf(pattern, budget)) };
}
