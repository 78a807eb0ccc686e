/** @module Regular expressions of a description. */
import type { Pattern } from '../format/description.ts';

/** What the pattern matches, everywhere in a text (flag `g`). */
export function regExpOf(pattern: Pattern): RegExp {
  if ('regex' in pattern) return new RegExp(pattern.regex, `g${pattern.flags}`);
  return new RegExp(pattern.string.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'), 'gu');
}
