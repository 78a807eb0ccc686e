/** @module Grammars in GBNF, llama.cpp's format, as frames of an automaton. */

import { type CompileBudget, ConstraintError } from '../automaton/errors.ts';
import type { Frame } from '../automaton/frame.ts';
import { ANY, type CodePoints, intersection, unionOf } from '../regular/code-points.ts';
import { findDistances, orderRules } from './analysis.ts';
import { Characters } from './characters.ts';
import { parseGrammar } from './gbnf-parser.ts';
import { errorAt } from './gbnf-source.ts';
import type { Alternatives, Item } from './gbnf-syntax.ts';
import { Places } from './sequences.ts';
import { type GrammarSymbol, MAX_DISTANCE, type Place, Repeat, type Rule, type Terminal } from './symbols.ts';

type ClassItem = Item & { kind: 'class' };

const ROOT = 'root';
/** What a class takes in time, and each of its ranges. */
const STEPS_OF_CLASS = 300;
const STEPS_OF_RANGE = 20;

/**
 * @param source rules `name ::= …`, of which `root` is the text
 * @returns the frames that read the text
 * @throws ConstraintError for a grammar that is malformed, has left recursion or no text, or exceeds a bound
 */
export function compileGrammar(source: string, budget: CompileBudget): Frame[] {
  const builder = new Builder(source, budget);
  const root = builder.build();
  findDistances(builder.rules, budget);
  builder.places.settle();
  orderRules(builder.rules, budget, (rule) => {
    throw errorAt(
      source,
      rule.offset,
      `left recursion: rule ${rule.name} may begin with itself; write the recursion at the end, or repeat with *`,
    );
  });
  if (root.distance === Infinity)
    throw errorAt(source, root.offset, `rule root never ends, or only after ${MAX_DISTANCE} bytes`);
  return [builder.start(root)];
}

class Builder {
  readonly places: Places;
  /** Those of the source and the groups within them. */
  readonly rules: Rule[] = [];
  readonly #source: string;
  readonly #budget: CompileBudget;
  readonly #characters = new Characters();
  readonly #named = new Map<string, Rule>();
  readonly #groups = new Map<string, Rule>();
  /** The literals' characters. */
  readonly #literals = new Map<number, Terminal>();

  constructor(source: string, budget: CompileBudget) {
    this.#source = source;
    this.#budget = budget;
    this.places = new Places(budget);
  }

  /** @returns the rule `root` */
  build(): Rule {
    const definitions = parseGrammar(this.#source, this.#budget);
    for (const { name, offset } of definitions) {
      if (this.#named.has(name)) throw errorAt(this.#source, offset, `rule ${name} is defined twice`);
      this.#named.set(name, this.#rule(name, offset));
    }
    const root = this.#named.get(ROOT);
    if (!root) throw new ConstraintError('the grammar has no rule root');
    for (const { name, alternatives } of definitions) {
      const rule = this.#named.get(name) as Rule;
      this.#fill(rule, alternatives);
    }
    return root;
  }

  /** The place before a rule's texts. */
  start(rule: Rule): Place {
    return this.places.sequence(rule, undefined);
  }

  #rule(name: string, offset: number): Rule {
    const rule = this.places.rule(name, offset);
    this.rules.push(rule);
    return rule;
  }

  #fill(rule: Rule, alternatives: Alternatives): void {
    const merged = this.#withOneClass(alternatives);
    const places = new Set(merged.map((items) => this.#before(items, undefined, rule)));
    rule.mayBeEmpty = places.delete(undefined);
    rule.alternatives = [...places].filter((place) => place !== undefined);
  }

  /** Alternatives that are one class each are one class together: a text is read in one way. */
  #withOneClass(alternatives: Alternatives): Alternatives {
    const sets: CodePoints[] = [];
    let first: ClassItem | undefined;
    const others: Item[][] = [];
    for (const items of alternatives) {
      const [item] = items;
      if (item?.kind !== 'class' || items.length > 1) {
        others.push([...items]);
        continue;
      }
      this.#checkClass(item);
      first ??= item;
      sets.push(item.set);
    }
    if (!first || sets.length < 2) return alternatives;
    const set = unionOf(sets);
    return [[{ kind: 'class', set, offset: first.offset }], ...others];
  }

  /** The place before `items` and then `tail`. */
  #before(items: readonly Item[], tail: Place | undefined, rule: Rule): Place | undefined {
    return items.reduceRight<Place | undefined>((after, item) => {
      if (item.kind === 'literal') return this.#literal(item.characters, after);
      const [only, ...others] = item.kind === 'group' ? item.alternatives : [];
      if (only && others.length === 0) return this.#before(only, after, rule);
      const symbol = this.#symbol(item, rule);
      return symbol ? this.places.sequence(symbol, after) : after;
    }, tail);
  }

  /** @returns undefined for an item that is empty */
  #symbol(item: Item, rule: Rule): GrammarSymbol | undefined {
    switch (item.kind) {
      case 'literal':
        return item.characters.length === 1
          ? this.#character(item.characters[0] as number)
          : this.#group([[item]], rule);
      case 'class':
        return this.#class(item);
      case 'reference': {
        const target = this.#named.get(item.name);
        if (!target) throw errorAt(this.#source, item.offset, `rule ${item.name} is not defined`);
        return target;
      }
      case 'group':
        return this.#group(item.alternatives, rule);
      case 'repeat':
        return this.#repeat(item, rule);
    }
  }

  /** The place before a literal and then `tail`. */
  #literal(characters: readonly number[], tail: Place | undefined): Place | undefined {
    return characters.reduceRight<Place | undefined>(
      (after, character) => this.places.sequence(this.#character(character), after),
      tail,
    );
  }

  #character(codePoint: number): Terminal {
    let terminal = this.#literals.get(codePoint);
    if (!terminal) {
      terminal = this.#terminal([codePoint, codePoint]) as Terminal;
      this.#literals.set(codePoint, terminal);
    }
    return terminal;
  }

  #class(item: ClassItem): Terminal {
    this.#checkClass(item);
    this.#budget.spendSteps(STEPS_OF_CLASS);
    return this.#terminal(item.set) as Terminal;
  }

  /** @throws ConstraintError for a class without characters */
  #checkClass({ set, offset }: ClassItem): void {
    this.#budget.spendSteps(STEPS_OF_RANGE * (set.length >>> 1));
    if (intersection(ANY, set).length === 0)
      throw errorAt(this.#source, offset, 'the class has no character, surrogates are none');
  }

  #terminal(set: CodePoints): Terminal | undefined {
    const frame = this.#characters.frameOf(set);
    return frame && this.places.terminal(frame);
  }

  #group(alternatives: Alternatives, { name, offset }: Rule): GrammarSymbol | undefined {
    const group = this.places.rule(name, offset);
    this.#fill(group, alternatives);
    const [first] = group.alternatives;
    if (!first) return undefined;
    if (group.alternatives.length === 1 && !group.mayBeEmpty && !first.tail) return first.head;
    const key = group.alternatives.reduce((ids, { id }) => `${ids},${id}`, String(group.mayBeEmpty));
    const known = this.#groups.get(key);
    if (known) return known;
    this.#groups.set(key, group);
    this.rules.push(group);
    return group;
  }

  #repeat(outer: Item & { kind: 'repeat' }, rule: Rule): GrammarSymbol | undefined {
    const counts: { min: number; max: number }[] = [];
    let inner: Item = outer;
    for (; inner.kind === 'repeat'; inner = inner.item) counts.unshift(inner);
    let symbol = this.#symbol(inner, rule);
    for (const { min, max } of counts) {
      if (max === 0) return undefined;
      if (symbol) symbol = this.#times(symbol, min, max);
    }
    return symbol;
  }

  /** A repetition. One of a repetition is a single one if its numbers have no gaps. */
  #times(item: GrammarSymbol, min: number, max: number): GrammarSymbol {
    if (min === 1 && max === 1) return item;
    if (!(item instanceof Repeat)) return this.places.repeat(item, min, max);
    const hasNoGaps =
      max === min || (min === 0 ? item.min <= 1 : min * (item.max - item.min) + 1 >= item.min);
    const product = { min: min * item.min, max: max * item.max };
    return hasNoGaps && (product.max === Infinity || product.max <= MAX_DISTANCE)
      ? this.places.repeat(item.item, product.min, product.max)
      : this.places.repeat(item, min, max);
  }
}
