/** @module Conditions on what is around a place of a regular expression: the ends of texts, lines and words. */
import type { Condition, Nfa } from './regex-nfa.ts';

/** What a place has before it, or after it. */
export const Side = { nothing: 1, word: 2, lineEnd: 4 } as const;

/** Whether what is before a place matters. */
export function usesBefore({ places, looks }: Nfa): boolean {
  const conditions: readonly Condition[] = ['start', 'lineStart', 'word', 'notWord'];
  return (
    places.some((place) => place.type === 'condition' && conditions.includes(place.condition)) ||
    looks.some(({ isAhead, nfa }) => isAhead && usesBefore(nfa))
  );
}

/** Whether what is after a place matters. */
export function usesAfter({ places }: Nfa): boolean {
  return places.some(
    (place) => place.type === 'condition' && !['start', 'lineStart'].includes(place.condition),
  );
}

/** Whether a condition holds at a place, by its sides. */
export function holds(condition: Condition, before: number, after: number): boolean {
  switch (condition) {
    case 'start':
      return (before & Side.nothing) !== 0;
    case 'end':
      return (after & Side.nothing) !== 0;
    case 'lineStart':
      return (before & (Side.nothing | Side.lineEnd)) !== 0;
    case 'lineEnd':
      return (after & (Side.nothing | Side.lineEnd)) !== 0;
    case 'word':
      return ((before ^ after) & Side.word) !== 0;
    case 'notWord':
      return ((before ^ after) & Side.word) === 0;
  }
}
