/** @module A compiled constraint over a vocabulary: which tokens may follow, and what a token leads to. */
import type { Automaton } from './automaton.ts';
import { TooAmbiguousError } from './errors.ts';
import { Mask } from './mask.ts';
import type { MaskCache } from './mask-cache.ts';
import { MaskMaker, type StateMask } from './mask-maker.ts';
import { prefixFrames } from './prefix.ts';
import { SearchEffort, ShortestAnswers } from './shortest-answers.ts';
import type { State } from './state.ts';
import type { Vocabulary } from './vocabulary.ts';

/** What a compilation found out about its constraint. */
interface Compiled {
  /** Creates the same constraint with another automaton. */
  readonly anew?: () => Constraint;
  readonly bytes?: number;
}

const NOTHING = Mask.of(new Uint32Array(0));

export class Constraint {
  readonly vocabulary: Vocabulary;
  /** The state before the first generated token. */
  readonly start: State;
  readonly #automaton: Automaton;
  readonly #cache: MaskCache;
  readonly #masks: MaskMaker;
  readonly #shortest: ShortestAnswers;
  /** Memory of what was compiled, about; constraints of the same compilation share it. */
  readonly bytes: number;
  readonly #anew: (() => Constraint) | undefined;
  /** The last state that was asked for: beams and branches often ask for the same one. */
  #last: (StateMask & { readonly state: State }) | undefined;

  /** @param masks of this vocabulary, shared by its constraints */
  constructor(
    automaton: Automaton,
    start: State,
    vocabulary: Vocabulary,
    masks: MaskCache,
    { anew, bytes = 0 }: Compiled = {},
  ) {
    this.#anew = anew;
    this.bytes = bytes;
    this.vocabulary = vocabulary;
    this.start = start;
    this.#automaton = automaton;
    this.#cache = masks;
    this.#masks = new MaskMaker(automaton, vocabulary, masks);
    this.#shortest = new ShortestAnswers(automaton, vocabulary);
  }

  /**
   * The same constraint with an automaton of its own: a constraint that is kept does not keep what texts have led to, and
   * no text depends on texts that were generated before.
   */
  forText(): Constraint {
    return this.#anew?.() ?? this;
  }

  /** Texts that begin with these bytes and go on with a text of this constraint. */
  after(prefix: Uint8Array): Constraint {
    const open = (): Constraint => {
      const text = this.forText();
      const automaton = text.#automaton;
      const start = automaton.push(prefixFrames(prefix), text.start);
      return new Constraint(automaton, start, text.vocabulary, text.#cache, {
        anew: open,
        bytes: text.bytes,
      });
    };
    return open();
  }

  /**
   * The tokens that may follow. End-of-text tokens are not among them: the text may end if `state.accepts`.
   * @param room number of tokens that may follow, this one included. Tokens that would leave too little room for any
   *   whole answer are not allowed. Where the tokens have too many readings to follow them all, only those of a single
   *   byte are allowed, with which every text can go on.
   * @throws ConstraintError if a single byte has too many readings
   */
  allowed(state: State, room = Infinity): Mask {
    if (this.#last?.state !== state) {
      const all = unlessTooAmbiguous(() => this.#masks.maskOf(state));
      this.#last = { state, ...(all ?? this.#masks.bytesOf(state)) };
    }
    const { mask, maxDistance } = this.#last;
    if (room > maxDistance) return mask;
    // Where one token alone may follow, the text that there is room for goes on with it.
    const isForced = mask.size === 1 && !state.accepts && room > 0;
    if (isForced) return mask;
    if (room <= 0) return NOTHING;
    this.#automaton.bound();
    const way = this.#shortest.firstWithin(state, room);
    return unlessTooAmbiguous(() => this.#within(state, room, way)) ?? this.#bytesWithin(state, room, way);
  }

  /**
   * @returns the state after a token; null if the token may not follow
   * @throws ConstraintError if the text has too many readings
   */
  next(state: State, token: number): State | null {
    if (state.isFree) return state;
    this.#automaton.bound();
    const bytes = this.vocabulary.bytesOf(token);
    return bytes.length === 0 ? null : this.#automaton.read(state, bytes);
  }

  /** Whether a text of at most `tokens` tokens can be whole. */
  fits(tokens: number): boolean {
    this.#automaton.bound();
    return this.#shortest.fits(this.start, tokens);
  }

  /**
   * The least number of tokens with which a text is whole. It is exact as far as a bounded search can tell, else a
   * number that suffices.
   */
  leastTokens(state = this.start): number {
    this.#automaton.bound();
    return this.#shortest.leastTokens(state);
  }

  /**
   * The tokens after which a whole answer takes less than `room` tokens, as far as a bounded search can tell.
   * @param way one of them, where that took a search
   */
  #within(state: State, room: number, way: number | undefined): Mask {
    const bits = Mask.sharedBitsFor(this.vocabulary.vocabSize);
    if (way !== undefined) Mask.set(bits, way);
    // A key that must differ from others leads to another state with every token: thousands of searches.
    if (state.alternatives.some(({ frame }) => frame.continuation)) {
      const token = way ?? this.#shortest.firstOfShortest(state);
      if (token !== undefined) Mask.set(bits, token);
      return Mask.of(bits);
    }
    const effort = SearchEffort.ofMask();
    const fits = new Map<State, boolean>();
    this.vocabulary.walk(this.#automaton, state, this.vocabulary.root, {
      token: (token, next) => {
        let fit = fits.get(next);
        if (fit === undefined) {
          fit = this.#shortest.isWithin(next, room - 1, effort);
          fits.set(next, fit);
        }
        if (fit) Mask.set(bits, token);
      },
    });
    return Mask.of(bits);
  }

  /** The way, or else the bytes after which each further one may be a token. */
  #bytesWithin(state: State, room: number, way: number | undefined): Mask {
    if (way === undefined) return this.#masks.bytesOf(state, room - 1).mask;
    const bits = Mask.sharedBitsFor(this.vocabulary.vocabSize);
    Mask.set(bits, way);
    return Mask.of(bits);
  }
}

function unlessTooAmbiguous<T>(compute: () => T): T | undefined {
  try {
    return compute();
  } catch (error) {
    if (error instanceof TooAmbiguousError) return undefined;
    throw error;
  }
}
