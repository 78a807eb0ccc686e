/** @module A regular expression as a nondeterministic automaton: places that read a set, split, or ask for something. */
import type { AST } from '@eslint-community/regexpp';
import { type CompileBudget, ConstraintError } from '../automaton/errors.ts';
import { ANY, type CodePoints } from './code-points.ts';
import { LINE_ENDS, type SetFlags, type SetNode, setOf, wordSet } from './regex-sets.ts';

export interface RegexFlags extends SetFlags {
  readonly multiline: boolean;
}

/** A condition on the characters before and after a place. */
export type Condition = 'start' | 'end' | 'lineStart' | 'lineEnd' | 'word' | 'notWord';

/** What must follow a place, or precede it. */
export interface Look {
  readonly isAhead: boolean;
  readonly negate: boolean;
  /** Ahead: reads what must follow, and then anything. Behind: reads anything, and then what must precede. */
  readonly nfa: Nfa;
}

export type Place =
  | { readonly type: 'read'; readonly set: number; readonly next: number }
  | { readonly type: 'split'; readonly nexts: number[] }
  | { readonly type: 'condition'; readonly condition: Condition; readonly next: number }
  | { readonly type: 'look'; readonly look: number; readonly next: number }
  /** The text may end here. */
  | { readonly type: 'end' }
  /** Reads anything up to the end. */
  | { readonly type: 'anything' };

export interface Nfa {
  readonly places: readonly Place[];
  readonly start: number;
  readonly sets: readonly CodePoints[];
  readonly looks: readonly Look[];
  /** The characters of words, if a condition asks for them; they are those of the flags there. */
  readonly words: CodePoints | undefined;
  readonly lineEnds: CodePoints | undefined;
}

/** Where a part may stand in its text. */
export interface Ends {
  readonly anyBefore: boolean;
  readonly anyAfter: boolean;
}

/** @throws ConstraintError for back references and what else cannot be held, or beyond the budget */
export function nfaOf(
  alternatives: readonly AST.Alternative[],
  flags: RegexFlags,
  ends: Ends,
  budget: CompileBudget,
): Nfa {
  return new NfaBuilder(budget, []).build(alternatives, flags, ends);
}

/** What a place takes here and in the automaton that is made of it. */
const STEPS_OF_PLACE = 6;

/** Each has its own automaton. */
const MAX_LOOKS = 50;

/** Characters of beginnings in common, in all groups around a place. Each is a call within a call. */
const MAX_SHARING = 300;

class NfaBuilder {
  readonly #budget: CompileBudget;
  /** The look-arounds that this part is in. */
  readonly #around: readonly boolean[];
  readonly #places: Place[] = [];
  readonly #sets: CodePoints[] = [];
  readonly #setIds = new Map<string, number>();
  readonly #setsOfNodes = new Map<string, number>();
  readonly #looks: Look[] = [];
  readonly #lookIds = new Map<AST.LookaroundAssertion, number>();
  #sharing = 0;
  #words: CodePoints | undefined;
  #lineEnds: CodePoints | undefined;

  constructor(budget: CompileBudget, around: readonly boolean[]) {
    this.#budget = budget;
    this.#around = around;
  }

  build(alternatives: readonly AST.Alternative[], flags: RegexFlags, { anyBefore, anyAfter }: Ends): Nfa {
    const last = this.#add(anyAfter ? { type: 'anything' } : { type: 'end' });
    let start = this.#disjunction(alternatives, flags, last);
    if (anyBefore) {
      const nexts: number[] = [start];
      const split = this.#add({ type: 'split', nexts });
      nexts.push(this.#add({ type: 'read', set: this.#setId(ANY), next: split }));
      start = split;
    }
    return {
      places: this.#places,
      start,
      sets: this.#sets,
      looks: this.#looks,
      words: this.#words,
      lineEnds: this.#lineEnds,
    };
  }

  #add(place: Place): number {
    this.#budget.spendSteps(STEPS_OF_PLACE);
    const { states } = this.#budget.limits;
    if (this.#places.length >= states) {
      throw new ConstraintError(`the regular expression repeats to more than ${states} places`);
    }
    return this.#places.push(place) - 1;
  }

  #disjunction(alternatives: readonly AST.Alternative[], flags: RegexFlags, next: number): number {
    return this.#oneOf(
      alternatives.map(({ elements }) => elements),
      0,
      flags,
      next,
    );
  }

  /** Lists of words are long, and have beginnings in common. @param from the elements before it are read */
  #oneOf(lists: readonly AST.Element[][], from: number, flags: RegexFlags, next: number): number {
    const groups = new Map<string, AST.Element[][]>();
    lists.forEach((elements, i) => {
      const first = elements[from];
      const isShared = first?.type === 'Character' && this.#sharing < MAX_SHARING;
      const key = isShared ? `=${first.value}` : String(i);
      const group = groups.get(key);
      if (group) group.push(elements);
      else groups.set(key, [elements]);
    });
    const nexts = Array.from(groups.values(), (group) => {
      const [elements, ...others] = group as [AST.Element[], ...AST.Element[][]];
      if (others.length > 0) {
        this.#sharing++;
        const rest = this.#oneOf(group, from + 1, flags, next);
        this.#sharing--;
        return this.#element(elements[from] as AST.Element, flags, rest);
      }
      let after = next;
      for (let i = elements.length - 1; i >= from; i--) {
        after = this.#element(elements[i] as AST.Element, flags, after);
      }
      return after;
    });
    const [only, ...others] = nexts;
    return only !== undefined && others.length === 0 ? only : this.#add({ type: 'split', nexts });
  }

  #element(element: AST.Element, flags: RegexFlags, next: number): number {
    switch (element.type) {
      case 'Group':
        return this.#disjunction(element.alternatives, modified(flags, element.modifiers), next);
      case 'CapturingGroup':
        return this.#disjunction(element.alternatives, flags, next);
      case 'Quantifier':
        return this.#quantifier(element, flags, next);
      case 'Assertion':
        return this.#assertion(element, flags, next);
      case 'Backreference':
        throw new ConstraintError(`back references (${element.raw} at ${element.start}) are not supported`);
      default:
        return this.#add({ type: 'read', set: this.#setOf(element, flags), next });
    }
  }

  #quantifier({ element, min, max }: AST.Quantifier, flags: RegexFlags, next: number): number {
    let entry = next;
    let copies = min;
    if (max === Infinity) {
      const nexts: number[] = [];
      const loop = this.#add({ type: 'split', nexts });
      const body = this.#element(element, flags, loop);
      nexts.push(body, next);
      entry = min > 0 ? body : loop;
      copies = Math.max(min - 1, 0);
    } else {
      for (let i = min; i < max; i++) {
        const body = this.#copy(element, flags, entry);
        if (body === entry) break;
        entry = this.#add({ type: 'split', nexts: [body, next] });
      }
    }
    for (let i = 0; i < copies; i++) {
      const before = this.#copy(element, flags, entry);
      if (before === entry) break;
      entry = before;
    }
    return entry;
  }

  #copy(element: AST.QuantifiableElement, flags: RegexFlags, next: number): number {
    this.#budget.spendSteps();
    return this.#element(element, flags, next);
  }

  #assertion(assertion: AST.Assertion, flags: RegexFlags, next: number): number {
    switch (assertion.kind) {
      case 'start':
      case 'end': {
        if (flags.multiline) this.#lineEnds = LINE_ENDS;
        const isStart = assertion.kind === 'start';
        const condition = flags.multiline ? (isStart ? 'lineStart' : 'lineEnd') : assertion.kind;
        if (!isStart) this.#refuseBehind(assertion);
        return this.#add({ type: 'condition', condition, next });
      }
      case 'word': {
        this.#refuseBehind(assertion);
        this.#useWords(wordSet(flags, this.#budget), assertion);
        return this.#add({ type: 'condition', condition: assertion.negate ? 'notWord' : 'word', next });
      }
      default:
        return this.#add({ type: 'look', look: this.#look(assertion, flags), next });
    }
  }

  #useWords(words: CodePoints, { raw, start }: AST.Assertion): void {
    if (this.#words && this.#words.length !== words.length) {
      throw new ConstraintError(`${raw} at ${start} with different flags is not supported`);
    }
    this.#words = words;
  }

  /** What a place before this one depends on is known once it is read, and what follows the place is not. */
  #refuseBehind({ raw, start }: AST.Assertion): void {
    if (!this.#around.includes(false)) return;
    throw new ConstraintError(`${raw} at ${start} within a look-behind is not supported`);
  }

  #look(assertion: AST.LookaroundAssertion, flags: RegexFlags): number {
    const known = this.#lookIds.get(assertion);
    if (known !== undefined) return known;
    const isAhead = assertion.kind === 'lookahead';
    if (this.#around.length > 0 && (!isAhead || this.#around.includes(false))) {
      throw new ConstraintError(
        `${assertion.raw} at ${assertion.start} within a look-around is not supported`,
      );
    }
    if (this.#looks.length >= MAX_LOOKS) {
      throw new ConstraintError(`the regular expression has more than ${MAX_LOOKS} look-arounds`);
    }
    const builder = new NfaBuilder(this.#budget, [...this.#around, isAhead]);
    const nfa = builder.build(assertion.alternatives, flags, { anyBefore: !isAhead, anyAfter: isAhead });
    if (nfa.words) this.#useWords(nfa.words, assertion);
    this.#lineEnds ??= nfa.lineEnds;
    const id = this.#looks.push({ isAhead, negate: assertion.negate, nfa }) - 1;
    this.#lookIds.set(assertion, id);
    return id;
  }

  /** The same text has the same set. */
  #setOf(node: SetNode, flags: RegexFlags): number {
    const key = `${flags.ignoreCase}${flags.dotAll}${node.raw}`;
    let id = this.#setsOfNodes.get(key);
    if (id === undefined) {
      id = this.#setId(setOf(node, flags, this.#budget));
      this.#setsOfNodes.set(key, id);
    }
    return id;
  }

  #setId(set: CodePoints): number {
    const key = set.join();
    let id = this.#setIds.get(key);
    if (id === undefined) {
      id = this.#sets.push(set) - 1;
      this.#setIds.set(key, id);
    }
    return id;
  }
}

function modified(flags: RegexFlags, modifiers: AST.Modifiers | null | undefined): RegexFlags {
  if (!modifiers) return flags;
  const { add, remove } = modifiers;
  const flag = (name: 'ignoreCase' | 'dotAll' | 'multiline') =>
    add[name] || (flags[name] && !remove?.[name]) || false;
  return { ...flags, ignoreCase: flag('ignoreCase'), dotAll: flag('dotAll'), multiline: flag('multiline') };
}
