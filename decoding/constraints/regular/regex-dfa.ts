/**
 * @module Makes the automaton of a regular expression deterministic. A state is the set of places that a text may have
 * led to. A place that has met a look-ahead carries it along: the states of automata that must accept the rest of the
 * text as well. A look-behind is an automaton that has read the text from its beginning.
 */
import type { CompileBudget } from '../automaton/errors.ts';
import { Alphabet } from './alphabet.ts';
import { ACCEPTED, DEAD, explore, NO_LABEL, type Row } from './dfa.ts';
import { Language } from './language.ts';
import { holds, Side, usesAfter, usesBefore } from './regex-conditions.ts';
import { Followers } from './regex-followers.ts';
import type { Look, Nfa, Place } from './regex-nfa.ts';

/** Steps of a place, which are slower than those of other automata. */
const PLACE_STEPS = 2;

/** A place, and the burden that it carries: `burden · places + place`. */
type Thread = number;

interface State {
  /** Before what needs no character is passed. Ascending. */
  readonly threads: readonly Thread[];
  /** 0 if it does not matter. */
  readonly before: number;
  /** The state of each automaton behind. */
  readonly behind: readonly number[];
}

interface Behind {
  readonly look: number;
  readonly language: Language;
}

/** @returns the language of the texts that the automaton accepts. @throws ConstraintError beyond the budget */
export function languageOf(nfa: Nfa, budget: CompileBudget, before: number = Side.nothing): Language {
  return new Determinizer(nfa, budget).language(before);
}

class Determinizer {
  readonly #nfa: Nfa;
  readonly #budget: CompileBudget;
  readonly #alphabet: Alphabet;
  /** `[set][class]` */
  readonly #members: readonly Uint8Array[];
  /** `[set]`: the classes whose membership differs from that of class 0. */
  readonly #exceptions: readonly (readonly number[])[];
  /** `[class]`: what a character is to its neighbours. */
  readonly #sides: readonly number[];
  /** Whether all characters are the same to their neighbours. */
  readonly #isOneSided: boolean;
  readonly #usesBefore: boolean;
  readonly #usesAfter: boolean;
  /** The languages of look-aheads, by what is before them: `[look][side]`. */
  readonly #ahead: readonly (readonly Language[])[];
  readonly #behind: readonly Behind[];
  readonly #followers: Followers;
  /** The round in which a place was last met without a burden. */
  readonly #met: Uint32Array;
  #round = 0;

  constructor(nfa: Nfa, budget: CompileBudget) {
    this.#nfa = nfa;
    this.#budget = budget;
    this.#usesBefore = usesBefore(nfa);
    this.#usesAfter = usesAfter(nfa);
    this.#met = new Uint32Array(nfa.places.length);
    this.#ahead = nfa.looks.map((look) => (look.isAhead ? languagesAhead(look, budget) : []));
    this.#behind = nfa.looks.flatMap((look, i) =>
      look.isAhead ? [] : [{ look: i, language: languageOf(look.nfa, budget) }],
    );
    const languages = [...this.#ahead.flat(), ...this.#behind.map(({ language }) => language)];
    const { alphabet, members } = Alphabet.ofSets(
      [
        ...nfa.sets,
        nfa.words ?? [],
        nfa.lineEnds ?? [],
        ...languages.flatMap(({ dfa }) => dfa.alphabet.sets.slice(1)),
      ],
      budget,
    );
    this.#alphabet = alphabet;
    budget.spendSteps(nfa.sets.length * Math.ceil(alphabet.size / 8));
    const flags = members.slice(0, nfa.sets.length + 2).map((classes) => {
      const isMember = new Uint8Array(alphabet.size);
      for (const id of classes) isMember[id] = 1;
      return isMember;
    });
    const [words, lineEnds] = flags.slice(-2);
    this.#members = flags.slice(0, -2);
    this.#exceptions = this.#members.map((isMember, set) => {
      if (!isMember[0]) return members[set] as number[];
      return Array.from(isMember, (_, id) => id).filter((id) => !isMember[id]);
    });
    this.#sides = alphabet.sets.map(
      (_, id) => (words?.[id] ? Side.word : 0) | (lineEnds?.[id] ? Side.lineEnd : 0),
    );
    this.#isOneSided = !nfa.words && !nfa.lineEnds;
    const examples = alphabet.sets.map((set) => set[0] as number);
    this.#followers = new Followers(languages, examples, budget);
  }

  language(before: number): Language {
    const start: State = {
      threads: [this.#nfa.start],
      before: this.#usesBefore ? before : 0,
      behind: this.#behind.map(({ language }) => (language.isEmpty ? DEAD : 0)),
    };
    const keyOf = ({ threads, before: side, behind }: State) =>
      side === 0 && behind.length === 0 ? threads.join() : `${threads.join()};${side};${behind.join()}`;
    const dfa = explore<State>(this.#alphabet, start, keyOf, (state) => this.#row(state), this.#budget);
    return Language.of(dfa, this.#budget);
  }

  #row(state: State): Row<State> {
    const closures = new Map<number, readonly Thread[]>();
    const closure = (after: number): readonly Thread[] => {
      const side = this.#usesAfter ? after : 0;
      let threads = closures.get(side);
      if (!threads) {
        threads = this.#close(state, after);
        closures.set(side, threads);
      }
      return threads;
    };
    const step = (symbol: number) => this.#step(state, closure(this.#sides[symbol] as number), symbol);
    const isSimple = this.#isOneSided && this.#nfa.looks.length === 0;
    const symbols = isSimple ? this.#symbolsToAsk(closure(0)) : this.#alphabet.sets.keys().drop(1);
    return {
      label: closure(Side.nothing).some((thread) => this.#accepts(thread)) ? ACCEPTED : NO_LABEL,
      fallback: step(0),
      exceptions: Array.from(symbols, (symbol) => [symbol, step(symbol)] as const),
    };
  }

  /** The classes after which the state may differ from that after class 0. */
  #symbolsToAsk(threads: readonly Thread[]): Iterable<number> {
    const sets = new Set<number>();
    for (const thread of threads) {
      const place = this.#nfa.places[thread] as Place;
      if (place.type === 'read') sets.add(place.set);
    }
    const symbols = new Set<number>();
    for (const set of sets) {
      const exceptions = this.#exceptions[set] as readonly number[];
      this.#budget.spendSteps(1 + exceptions.length);
      for (const symbol of exceptions) symbols.add(symbol);
    }
    return symbols;
  }

  #step(state: State, threads: readonly Thread[], symbol: number): State | undefined {
    const { places } = this.#nfa;
    const count = places.length;
    this.#budget.spendSteps(PLACE_STEPS * threads.length);
    const round = ++this.#round;
    const next: Thread[] = [];
    let burdened: Set<Thread> | undefined;
    for (const thread of threads) {
      const at = thread % count;
      const place = places[at] as Place;
      let to: number;
      if (place.type === 'anything') to = at;
      else if (place.type === 'read' && this.#members[place.set]?.[symbol]) to = place.next;
      else continue;
      const burden = thread === at ? 0 : this.#followers.carry((thread - at) / count, symbol);
      if (burden === DEAD) continue;
      if (burden > 0) {
        burdened ??= new Set();
        burdened.add(burden * count + to);
        continue;
      }
      // Nothing can be asked of this thread any more, so that the others do not matter.
      if (place.type === 'anything') return this.#anything(to);
      if (this.#met[to] === round) continue;
      this.#met[to] = round;
      next.push(to);
    }
    if (burdened) next.push(...burdened);
    if (next.length === 0) return undefined;
    this.#budget.spendSteps(next.length);
    return {
      threads: next.length === 1 ? next : next.sort((a, b) => a - b),
      before: this.#usesBefore ? (this.#sides[symbol] as number) : 0,
      behind: this.#behind.map(({ language }, i) =>
        this.#followers.step(language, state.behind[i] as number, symbol),
      ),
    };
  }

  /** The state of all texts. */
  #anything(place: number): State {
    return { threads: [place], before: 0, behind: this.#behind.map(() => DEAD) };
  }

  /** Passes all that needs no character. @param after what comes next */
  #close(state: State, after: number): readonly Thread[] {
    const { places } = this.#nfa;
    const count = places.length;
    const round = ++this.#round;
    const burdened = new Set<Thread>();
    const queue: Thread[] = [];
    const closed: Thread[] = [];
    const add = (thread: Thread) => {
      if (thread < count) {
        if (this.#met[thread] === round) return;
        this.#met[thread] = round;
      } else {
        if (burdened.has(thread)) return;
        burdened.add(thread);
      }
      queue.push(thread);
    };
    for (const thread of state.threads) add(thread);
    for (const thread of queue) {
      const at = thread % count;
      const place = places[at] as Place;
      switch (place.type) {
        case 'split':
          for (const next of place.nexts) add(thread - at + next);
          break;
        case 'condition':
          if (holds(place.condition, state.before, after)) add(thread - at + place.next);
          break;
        case 'look': {
          const burden = this.#look(place.look, state, (thread - at) / count);
          if (burden !== DEAD) add(burden * count + place.next);
          break;
        }
        default:
          closed.push(thread);
      }
    }
    this.#budget.spendSteps(PLACE_STEPS * queue.length);
    return closed;
  }

  /** @returns what a thread carries after a look-around; `DEAD` if it fails */
  #look(look: number, state: State, burden: number): number {
    const { isAhead, negate } = this.#nfa.looks[look] as Look;
    if (isAhead) {
      const languages = this.#ahead[look] as readonly Language[];
      return this.#followers.with(burden, languages[state.before] ?? (languages[0] as Language));
    }
    const i = this.#behind.findIndex((behind) => behind.look === look);
    const at = state.behind[i] as number;
    const accepts = at !== DEAD && this.#behind[i]?.language.dfa.labels[at] !== NO_LABEL;
    return accepts === negate ? DEAD : burden;
  }

  #accepts(thread: Thread): boolean {
    const count = this.#nfa.places.length;
    const at = thread % count;
    const { type } = this.#nfa.places[at] as Place;
    return (type === 'end' || type === 'anything') && this.#followers.accepts((thread - at) / count);
  }
}

/** The languages that the rest of the text must have, by what is before it. */
function languagesAhead({ nfa, negate }: Look, budget: CompileBudget): Language[] {
  const languages: Language[] = [];
  const sides = [Side.nothing, ...(nfa.words ? [Side.word] : []), ...(nfa.lineEnds ? [Side.lineEnd] : [])];
  for (const side of usesBefore(nfa) ? [0, ...sides] : [0]) {
    const language = languageOf(nfa, budget, side);
    languages[side] = negate ? language.not(budget) : language;
  }
  return languages;
}
