/**
 * @module Takes a long repetition out of a regular expression where the length of the text says as much: `^[a-z]{1,255}$`
 * has the texts of `^[a-z]*$` with 1 to 255 characters. A count is one number, and not 255 states.
 */
import type { AST } from '@eslint-community/regexpp';

/** Fewer repetitions stay in the automaton. */
const MANY = 16;

export interface CountedPattern {
  readonly alternatives: readonly AST.Alternative[];
  /** Code points of the whole text. */
  readonly min: number;
  readonly max: number;
}

/** @param isWhole whether the expression must match from beginning to end, or has `^` and `$` for that */
export function takeCount(alternatives: readonly AST.Alternative[], isWhole: boolean): CountedPattern {
  const unchanged = { alternatives, min: 0, max: Infinity };
  const [only, ...others] = alternatives;
  if (!only || others.length > 0) return unchanged;
  const elements = flatten(only.elements);
  const [first, last] = [elements[0], elements.at(-1)];
  const hasStart = first?.type === 'Assertion' && first.kind === 'start';
  const hasEnd = last?.type === 'Assertion' && last.kind === 'end';
  if (!isWhole && !(hasStart && hasEnd)) return unchanged;
  const inner = elements.slice(hasStart ? 1 : 0, hasEnd ? -1 : undefined);
  const counted = inner.filter((element) => lengthOf(element) === undefined);
  const [repetition] = counted;
  if (counted.length !== 1 || repetition?.type !== 'Quantifier') return unchanged;
  const { element, min, max } = repetition;
  const isLong = min >= MANY || (max >= MANY && max < Infinity);
  if (!isLong || lengthOf(element) !== 1) return unchanged;
  const rest = inner.reduce((sum, part) => sum + (part === repetition ? 0 : (lengthOf(part) as number)), 0);
  const endless = { ...repetition, min: 0, max: Infinity };
  return {
    alternatives: [{ ...only, elements: elements.map((part) => (part === repetition ? endless : part)) }],
    min: rest + min,
    max: rest + max,
  };
}

/** Takes groups of one alternative apart. */
function flatten(elements: readonly AST.Element[]): AST.Element[] {
  return elements.flatMap((element) => {
    const isGroup = element.type === 'CapturingGroup' || (element.type === 'Group' && !element.modifiers);
    const [only, ...others] = isGroup ? element.alternatives : [];
    return only && others.length === 0 ? flatten(only.elements) : [element];
  });
}

/** Code points of every text of an element; undefined if they differ, or if it asks for what is around it. */
function lengthOf(element: AST.Element): number | undefined {
  switch (element.type) {
    case 'Character':
    case 'CharacterSet':
    case 'CharacterClass':
    case 'ExpressionCharacterClass':
      return 1;
    case 'Group':
    case 'CapturingGroup': {
      const lengths = element.alternatives.map((alternative) => sumOf(alternative.elements.map(lengthOf)));
      return lengths.every((length) => length === lengths[0]) ? lengths[0] : undefined;
    }
    case 'Quantifier': {
      const { min, max } = element;
      const length = lengthOf(element.element);
      return min === max && min < MANY && length !== undefined ? min * length : undefined;
    }
    default:
      return undefined;
  }
}

function sumOf(lengths: readonly (number | undefined)[]): number | undefined {
  return lengths.reduce<number | undefined>(
    (sum, length) => (sum === undefined || length === undefined ? undefined : sum + length),
    0,
  );
}
