/**
 * @module Makes the automaton of a regular expression deterministic. A state is the set of places that a text may have
 * led to. A place that has met a look-ahead carries it along: the states of automata that must accept the rest of the
 * text as well. A look-behind is an automaton that has read the text from its beginning.
 */
import type { CompileBudget } from '../automaton/errors.ts';
import { Alphabet } from './alphabet.ts';
import { DEAD, explore, NO_LABEL, type Row, targetOf } from './dfa.ts';
import { Language } from './language.ts';
import type { Condition, Nfa, Place } from './regex-nfa.ts';

/** What a place has before it, or after it: a set of flags. */
const Side = { nothing: 1, word: 2, lineEnd: 4 } as const;

/** A place, and the look-aheads that it carries, by number. */
type Thread = number;

interface State {
  /** Before what needs no character is passed. Ascending. */
  readonly threads: readonly Thread[];
  readonly before: number;
  /** The state of each automaton behind. */
  readonly behind: readonly number[];
}

/** The automaton of a look-around, and its class for each class. */
interface Follower {
  readonly language: Language;
  readonly classes: readonly number[];
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
  readonly #members: Uint8Array[];
  readonly #classesOf: number[][];
  /** What each class is to its neighbours. */
  readonly #sides: number[];
  /** The distinct sides, and whether all classes have the same. */
  readonly #oneSide: boolean;
  readonly #usesBefore: boolean;
  /** The languages of look-arounds, by what is before them: `[look][side]`. */
  readonly #ahead: Language[][];
  readonly #behind: { readonly look: number; readonly language: Language }[] = [];
  /** Their automata, and for each of them its class for each class. */
  readonly #automata: Follower[] = [];
  readonly #automatonIds = new Map<Language, number>();
  /** Sets of `automaton, state` pairs that threads carry. The first is empty. */
  readonly #burdens: (readonly number[])[] = [[]];
  readonly #burdenIds = new Map<string, number>([['', 0]]);

  constructor(nfa: Nfa, budget: CompileBudget) {
    this.#nfa = nfa;
    this.#budget = budget;
    this.#usesBefore = usesBefore(nfa);
    const sides = [
      0,
      Side.nothing,
      ...(nfa.words ? [Side.word] : []),
      ...(nfa.lineEnds ? [Side.lineEnd] : []),
    ];
    this.#ahead = nfa.looks.map((look, i) => {
      const languages: Language[] = [];
      if (!look.isAhead) {
        const language = languageOf(look.nfa, budget);
        this.#behind.push({ look: i, language });
        return languages;
      }
      for (const side of usesBefore(look.nfa) ? sides : [0]) {
        const language = languageOf(look.nfa, budget, side);
        languages[side] = look.negate ? language.not(budget) : language;
      }
      return languages;
    });
    const languages = [...this.#ahead.flat(), ...this.#behind.map(({ language }) => language)];
    const context = [nfa.words ?? [], nfa.lineEnds ?? []];
    const foreign = languages.flatMap(({ dfa }) => dfa.alphabet.sets);
    const { alphabet, members } = Alphabet.ofSets([...nfa.sets, ...context, ...foreign], budget);
    this.#alphabet = alphabet;
    this.#classesOf = members.slice(0, nfa.sets.length);
    this.#members = members.slice(0, nfa.sets.length + 2).map((classes) => {
      const flags = new Uint8Array(alphabet.size);
      for (const id of classes) flags[id] = 1;
      return flags;
    });
    const [words, lineEnds] = this.#members.slice(-2);
    this.#sides = Array.from(
      { length: alphabet.size },
      (_, id) => (words?.[id] ? Side.word : 0) | (lineEnds?.[id] ? Side.lineEnd : 0),
    );
    this.#oneSide = this.#sides.every((side) => side === this.#sides[0]);
    const examples = alphabet.sets.map((set) => set[0] as number);
    for (const language of languages) {
      if (this.#automatonIds.has(language)) continue;
      const classes = examples.map((codePoint) => language.dfa.alphabet.classOf(codePoint));
      this.#automatonIds.set(language, this.#automata.push({ language, classes }) - 1);
    }
  }

  language(before: number): Language {
    const start: State = {
      threads: [this.#nfa.start],
      before: this.#usesBefore ? before : 0,
      behind: this.#behind.map(({ language }) => (language.isEmpty ? DEAD : 0)),
    };
    const keyOf = ({ threads, before: side, behind }: State) => `${side};${threads.join()};${behind.join()}`;
    const dfa = explore<State>(this.#alphabet, start, keyOf, (state) => this.#row(state), this.#budget);
    return Language.of(dfa, this.#budget);
  }

  #row(state: State): Row<State> {
    const label = this.#accepts(state) ? 0 : NO_LABEL;
    const closures = new Map<number, readonly Thread[]>();
    const closure = (side: number): readonly Thread[] => {
      let threads = closures.get(side);
      if (!threads) {
        threads = this.#close(state, side);
        closures.set(side, threads);
      }
      return threads;
    };
    const step = (symbol: number) => this.#step(state, closure(this.#sides[symbol] as number), symbol);
    const symbols = this.#symbolsToAsk(closure(this.#sides[0] as number), state.behind);
    return {
      label,
      fallback: step(0),
      exceptions: symbols.map((symbol) => [symbol, step(symbol)] as const),
    };
  }

  /** The classes after which the state may differ from that after class 0. */
  #symbolsToAsk(threads: readonly Thread[], behind: readonly number[]): readonly number[] {
    const { size } = this.#alphabet;
    const isSimple =
      this.#oneSide && behind.length === 0 && threads.every((thread) => thread < this.#nfa.places.length);
    if (!isSimple) return Array.from({ length: size - 1 }, (_, i) => i + 1);
    const symbols = new Set<number>();
    const sets = new Set<number>();
    for (const thread of threads) {
      const place = this.#nfa.places[thread] as Place;
      if (place.type === 'read') sets.add(place.set);
    }
    for (const set of sets) {
      const members = this.#members[set] as Uint8Array;
      this.#budget.spendSteps();
      if (members[0]) {
        for (let symbol = 1; symbol < size; symbol++) if (!members[symbol]) symbols.add(symbol);
      } else {
        for (const symbol of this.#classesOf[set] as number[]) symbols.add(symbol);
      }
    }
    return [...symbols];
  }

  #step(state: State, threads: readonly Thread[], symbol: number): State | undefined {
    const { places } = this.#nfa;
    this.#budget.spendSteps(threads.length);
    const next = new Set<Thread>();
    for (const thread of threads) {
      const place = places[thread % places.length] as Place;
      let to: number;
      if (place.type === 'anything') to = thread % places.length;
      else if (place.type === 'read' && this.#members[place.set]?.[symbol]) to = place.next;
      else continue;
      const burden = this.#carry(Math.floor(thread / places.length), symbol);
      if (burden === DEAD) continue;
      // Nothing can be asked of this thread any more, so that the others do not matter.
      if (burden === 0 && place.type === 'anything') return this.#anything(to);
      next.add(burden * places.length + to);
    }
    if (next.size === 0) return undefined;
    return {
      threads: [...next].sort((a, b) => a - b),
      before: this.#usesBefore ? (this.#sides[symbol] as number) : 0,
      behind: state.behind.map((at, i) => this.#stepAutomaton(this.#behindId(i), at, symbol)),
    };
  }

  /** The state of all texts. */
  #anything(place: number): State {
    return { threads: [place], before: 0, behind: this.#behind.map(() => DEAD) };
  }

  #behindId(i: number): number {
    return this.#automatonIds.get((this.#behind[i] as { language: Language }).language) as number;
  }

  #stepAutomaton(automaton: number, at: number, symbol: number): number {
    const { language, classes } = this.#automata[automaton] as Follower;
    return at === DEAD ? DEAD : targetOf(language.dfa, at, classes[symbol] as number);
  }

  /** Takes look-aheads one character further. @returns `DEAD` if one of them fails */
  #carry(burden: number, symbol: number): number {
    if (burden === 0) return 0;
    const pairs = this.#burdens[burden] as readonly number[];
    const next: number[] = [];
    this.#budget.spendSteps(pairs.length);
    for (let i = 0; i < pairs.length; i += 2) {
      const automaton = pairs[i] as number;
      const target = this.#stepAutomaton(automaton, pairs[i + 1] as number, symbol);
      if (target === DEAD) return DEAD;
      if (!this.#isUniversal(automaton, target)) next.push(automaton, target);
    }
    return this.#burdenId(next);
  }

  #isUniversal(automaton: number, state: number): boolean {
    const { labels, fallback, offsets } = (this.#automata[automaton] as Follower).language.dfa;
    return labels[state] !== NO_LABEL && fallback[state] === state && offsets[state] === offsets[state + 1];
  }

  /** @param pairs in any order, some perhaps twice */
  #burdenId(pairs: readonly number[]): number {
    const sorted: [number, number][] = [];
    for (let i = 0; i < pairs.length; i += 2) {
      const automaton = pairs[i] as number;
      const state = pairs[i + 1] as number;
      if (!sorted.some(([a, s]) => a === automaton && s === state)) sorted.push([automaton, state]);
    }
    sorted.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    const key = sorted.join();
    let id = this.#burdenIds.get(key);
    if (id === undefined) {
      id = this.#burdens.push(sorted.flat()) - 1;
      this.#burdenIds.set(key, id);
    }
    return id;
  }

  /** Passes all that needs no character. @param after what comes next */
  #close(state: State, after: number): readonly Thread[] {
    const { places } = this.#nfa;
    const seen = new Set(state.threads);
    const closed: Thread[] = [];
    const add = (place: number, burden: number) => {
      const thread = burden * places.length + place;
      if (!seen.has(thread)) seen.add(thread);
    };
    // A set that grows while it is read: new members are read too.
    for (const thread of seen) {
      this.#budget.spendSteps();
      const place = places[thread % places.length] as Place;
      const burden = Math.floor(thread / places.length);
      switch (place.type) {
        case 'split':
          for (const next of place.nexts) add(next, burden);
          break;
        case 'condition':
          if (holds(place.condition, state.before, after)) add(place.next, burden);
          break;
        case 'look': {
          const heavier = this.#lookFrom(place.look, state, burden);
          if (heavier !== DEAD) add(place.next, heavier);
          break;
        }
        default:
          closed.push(thread);
      }
    }
    return closed;
  }

  /** @returns what a thread carries after a look-around; `DEAD` if it fails */
  #lookFrom(look: number, state: State, burden: number): number {
    const { isAhead, negate } = this.#nfa.looks[look] as Nfa['looks'][number];
    if (!isAhead) {
      const i = this.#behind.findIndex((behind) => behind.look === look);
      const at = state.behind[i] as number;
      const accepts = at !== DEAD && this.#behind[i]?.language.dfa.labels[at] !== NO_LABEL;
      return accepts === negate ? DEAD : burden;
    }
    const languages = this.#ahead[look] as Language[];
    const language = languages[state.before] ?? (languages[0] as Language);
    if (language.isEmpty) return DEAD;
    const automaton = this.#automatonIds.get(language) as number;
    if (this.#isUniversal(automaton, 0)) return burden;
    return this.#burdenId([...(this.#burdens[burden] as readonly number[]), automaton, 0]);
  }

  #accepts(state: State): boolean {
    const { places } = this.#nfa;
    return this.#close(state, Side.nothing).some((thread) => {
      const { type } = places[thread % places.length] as Place;
      if (type !== 'end' && type !== 'anything') return false;
      const burden = this.#burdens[Math.floor(thread / places.length)] as readonly number[];
      for (let i = 0; i < burden.length; i += 2) {
        const { language } = this.#automata[burden[i] as number] as Follower;
        if (language.dfa.labels[burden[i + 1] as number] === NO_LABEL) return false;
      }
      return true;
    });
  }
}

/** Whether what is before a place matters. */
function usesBefore({ places, looks }: Nfa): boolean {
  const conditions: readonly Condition[] = ['start', 'lineStart', 'word', 'notWord'];
  return (
    places.some((place) => place.type === 'condition' && conditions.includes(place.condition)) ||
    looks.some(({ isAhead, nfa }) => isAhead && usesBefore(nfa))
  );
}

function holds(condition: Condition, before: number, after: number): boolean {
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
