/** @module Reads grammars in GBNF, the format of llama.cpp. */
import type { CompileBudget } from '../automaton/errors.ts';
import { ANY, type CodePoints, codePoints, inverse, isSurrogate } from '../regular/code-points.ts';
import { Source } from './gbnf-source.ts';
import type { Definition, Item } from './gbnf-syntax.ts';

const NAME = /[\w-]*/y;
const DIGITS = /\d*/y;
/** A repetition is counted, not written out, but its number must stay exact. */
const MAX_REPETITIONS = 1_000_000;
/** An item takes the time of some characters. */
const STEPS_PER_ITEM = 8;

/** @throws ConstraintError with line and column */
export function parseGrammar(text: string, budget: CompileBudget): Definition[] {
  budget.spendSteps(text.length);
  return new Parser(text, budget).definitions();
}

class Parser {
  readonly #source: Source;
  readonly #budget: CompileBudget;
  /** Groups around the present place. A rule goes on in the next line within one. */
  #depth = 0;

  constructor(text: string, budget: CompileBudget) {
    this.#source = new Source(text);
    this.#budget = budget;
  }

  definitions(): Definition[] {
    const definitions: Definition[] = [];
    const source = this.#source;
    source.skipSpace(true);
    while (!source.isAtEnd) {
      const { offset } = source;
      const name = source.match(NAME);
      if (name === '') throw source.error(`expected the name of a rule, not ${describe(source.next)}`);
      source.skipSpace(false);
      if (!source.skip('::=')) throw source.error(`expected ::= after the name of rule ${name}`);
      source.skipSpace(true);
      definitions.push({ name, offset, alternatives: this.#alternatives() });
      if (!source.isAtEnd && source.match(/[\r\n]/y) === '')
        throw source.error(`expected the end of the line, not ${describe(source.next)}`);
      source.skipSpace(true);
    }
    return definitions;
  }

  #alternatives(): Item[][] {
    const alternatives = [this.#sequence()];
    while (this.#skipBar()) {
      this.#source.skipSpace(true);
      alternatives.push(this.#sequence());
    }
    return alternatives;
  }

  /** llama.cpp wants the bar in the line before the alternative, XGrammar allows it in the alternative's own line. */
  #skipBar(): boolean {
    const { offset } = this.#source;
    this.#source.skipSpace(true);
    if (this.#source.skip('|')) return true;
    this.#source.return(offset);
    return false;
  }

  #sequence(): Item[] {
    const items: Item[] = [];
    for (let item = this.#item(); item; item = this.#item()) {
      this.#budget.spendSteps(STEPS_PER_ITEM);
      this.#source.skipSpace(this.#depth > 0);
      for (let repeated = this.#repeated(item); repeated; repeated = this.#repeated(item)) item = repeated;
      items.push(item);
    }
    if ('*+?{'.includes(this.#source.next || ' '))
      throw this.#source.error(`${describe(this.#source.next)} has nothing before it that it could repeat`);
    return items;
  }

  /** @returns undefined at the end of a sequence */
  #item(): Item | undefined {
    const source = this.#source;
    const { offset } = source;
    if (source.skip('"')) return { kind: 'literal', characters: this.#literal(offset) };
    if (source.skip('[')) return { kind: 'class', set: this.#class(offset), offset };
    if (source.skip('.')) return { kind: 'class', set: ANY, offset };
    if (source.skip('(')) return { kind: 'group', alternatives: this.#group(offset) };
    if (source.startsWith('<') || source.startsWith('!<'))
      throw source.error('tokens in grammars, <token> and <[id]>, are not supported');
    const name = source.match(NAME);
    return name === '' ? undefined : { kind: 'reference', name, offset };
  }

  #literal(start: number): number[] {
    const characters: number[] = [];
    while (!this.#source.skip('"')) {
      const { offset } = this.#source;
      const character = this.#source.character('the literal', start);
      if (isSurrogate(character))
        throw this.#source.error('a surrogate is not a character; write \\U and eight digits', offset);
      characters.push(character);
    }
    return characters;
  }

  #class(start: number): CodePoints {
    const source = this.#source;
    const isNegated = source.skip('^');
    const ranges: [first: number, last: number][] = [];
    while (!source.skip(']')) {
      const { offset } = source;
      const first = source.character('the character class', start);
      let last = first;
      if (source.startsWith('-') && !source.startsWith('-]')) {
        source.skip('-');
        last = source.character('the character class', start);
      }
      if (last < first) throw source.error('the range of characters ends before it begins', offset);
      ranges.push([first, last]);
    }
    if (ranges.length === 0) throw source.error('the character class is empty', start);
    const set = codePoints(ranges);
    return isNegated ? inverse(set) : set;
  }

  #group(start: number): Item[][] {
    this.#budget.checkDepth(++this.#depth);
    this.#source.skipSpace(true);
    const alternatives = this.#alternatives();
    if (this.#source.isAtEnd) throw this.#source.error('the ( has no )', start);
    if (!this.#source.skip(')'))
      throw this.#source.error(`expected ) of a group, not ${describe(this.#source.next)}`);
    this.#depth--;
    return alternatives;
  }

  /** `item`, which a repetition that comes next repeats; undefined if none does. */
  #repeated(item: Item): Item | undefined {
    const counts = this.#counts();
    if (!counts) return undefined;
    this.#source.skipSpace(this.#depth > 0);
    if (item.kind === 'repeat') this.#budget.checkDepth(nesting(item));
    return { kind: 'repeat', item, ...counts };
  }

  #counts(): { min: number; max: number } | undefined {
    const source = this.#source;
    if (source.skip('*')) return { min: 0, max: Infinity };
    if (source.skip('+')) return { min: 1, max: Infinity };
    if (source.skip('?')) return { min: 0, max: 1 };
    const { offset } = source;
    if (!source.skip('{')) return undefined;
    const isNested = this.#depth > 0;
    source.skipSpace(isNested);
    const min = this.#count();
    if (min === undefined) throw source.error('expected a number after {');
    source.skipSpace(isNested);
    let max = min;
    if (source.skip(',')) {
      source.skipSpace(isNested);
      max = this.#count() ?? Infinity;
      source.skipSpace(isNested);
    }
    if (!source.skip('}')) throw source.error(`expected } of a repetition, not ${describe(source.next)}`);
    if (max < min) throw source.error(`the repetition {${min},${max}} ends before it begins`, offset);
    return { min, max };
  }

  #count(): number | undefined {
    const { offset } = this.#source;
    const digits = this.#source.match(DIGITS);
    if (digits === '') return undefined;
    if (Number(digits) > MAX_REPETITIONS)
      throw this.#source.error(`a repetition counts to ${MAX_REPETITIONS} at most`, offset);
    return Number(digits);
  }
}

/** Repetitions of repetitions. */
function nesting(item: Item): number {
  let depth = 0;
  for (let at = item; at.kind === 'repeat'; at = at.item) depth++;
  return depth;
}

function describe(character: string): string {
  return character === '' ? 'the end' : JSON.stringify(character);
}
