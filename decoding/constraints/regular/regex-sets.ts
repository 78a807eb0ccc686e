/** @module The sets of code points that classes of a regular expression stand for. */
import type { AST } from '@eslint-community/regexpp';
import { type CompileBudget, ConstraintError } from '../automaton/errors.ts';
import { type Folding, withAllCases } from './case-folding.ts';
import {
  ANY,
  type CodePoints,
  codePoints,
  complement,
  difference,
  intersection,
  inverse,
  unionOf,
} from './code-points.ts';
import { propertySet } from './unicode-properties.ts';

export interface SetFlags {
  readonly ignoreCase: boolean;
  readonly dotAll: boolean;
  readonly unicode: boolean;
  readonly unicodeSets: boolean;
}

const DIGITS: CodePoints = [0x30, 0x39];
const WORD: CodePoints = [0x30, 0x39, 0x41, 0x5a, 0x5f, 0x5f, 0x61, 0x7a];
/** White space and ends of lines. */
const SPACE: CodePoints = codePoints([
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
]);
export const LINE_ENDS: CodePoints = [0x0a, 0x0a, 0x0d, 0x0d, 0x2028, 0x2029];

export type SetNode = AST.Character | AST.CharacterSet | AST.CharacterClass | AST.ExpressionCharacterClass;
type Element = AST.CharacterClass['elements'][number] | AST.ExpressionCharacterClass['expression'];

function foldingOf({ unicode, unicodeSets }: SetFlags): Folding {
  return unicode || unicodeSets ? 'unicode' : 'capitals';
}

/** The characters of `\w` and `\b`. */
export function wordSet(flags: SetFlags, budget: CompileBudget): CodePoints {
  const isFolded = flags.ignoreCase && foldingOf(flags) === 'unicode';
  return isFolded ? withAllCases(WORD, 'unicode', budget) : WORD;
}

/** @throws ConstraintError for strings in classes, unknown properties, or beyond the budget */
export function setOf(node: SetNode, flags: SetFlags, budget: CompileBudget): CodePoints {
  return intersection(ANY, new Sets(flags, budget).whole(node));
}

class Sets {
  readonly #flags: SetFlags;
  readonly #budget: CompileBudget;

  constructor(flags: SetFlags, budget: CompileBudget) {
    this.#flags = flags;
    this.#budget = budget;
  }

  whole(node: SetNode): CodePoints {
    if (node.type === 'CharacterSet' && node.kind === 'any') {
      return this.#flags.dotAll ? ANY : complement(LINE_ENDS);
    }
    return this.#folded(this.#set(node));
  }

  /** With the flag v, sets have all cases from the start, so that a complement has none of its opposite. */
  #early(set: CodePoints): CodePoints {
    return this.#flags.unicodeSets ? this.#folded(set) : set;
  }

  #folded(set: CodePoints): CodePoints {
    return this.#flags.ignoreCase ? withAllCases(set, foldingOf(this.#flags), this.#budget) : set;
  }

  #set(node: SetNode | Element): CodePoints {
    this.#budget.spendSteps();
    switch (node.type) {
      case 'Character':
        return this.#early([node.value, node.value]);
      case 'CharacterClassRange':
        return this.#early([node.min.value, node.max.value]);
      case 'CharacterSet':
        return node.kind === 'any' ? this.whole(node) : this.#characterSet(node);
      case 'CharacterClass': {
        const all = unionOf(node.elements.map((element) => this.#set(element)));
        return node.negate ? inverse(this.#folded(all)) : all;
      }
      case 'ExpressionCharacterClass': {
        const set = this.#set(node.expression);
        return node.negate ? inverse(set) : set;
      }
      case 'ClassIntersection':
        return intersection(this.#set(node.left), this.#set(node.right));
      case 'ClassSubtraction':
        return difference(this.#set(node.left), this.#set(node.right));
      case 'ClassStringDisjunction':
        throw new ConstraintError(`strings in a class (\\q{…} at ${node.start}) are not supported`);
    }
  }

  #characterSet(node: Exclude<AST.CharacterSet, AST.AnyCharacterSet>): CodePoints {
    switch (node.kind) {
      case 'digit':
        return node.negate ? inverse(DIGITS) : DIGITS;
      case 'space':
        return node.negate ? inverse(SPACE) : SPACE;
      case 'word': {
        const word = wordSet(this.#flags, this.#budget);
        return node.negate ? inverse(word) : word;
      }
      case 'property': {
        if (node.strings)
          throw new ConstraintError(`the property ${node.raw} has strings, which are not supported`);
        const name = node.value === null ? node.key : `${node.key}=${node.value}`;
        const set = this.#early(propertySet(name, this.#budget));
        return node.negate ? inverse(set) : set;
      }
    }
  }
}
