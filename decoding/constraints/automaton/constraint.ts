/** @module A compiled constraint over a vocabulary: which tokens may follow, and what a token leads to. */
import type { Automaton, Exception, Frame, State } from './automaton.ts';
import { Mask } from './mask.ts';
import type { FrameMask, MaskCache } from './mask-cache.ts';
import { SearchEffort, ShortestAnswers } from './shortest-answers.ts';
import type { TrieNode, Visitor, Vocabulary } from './vocabulary.ts';

/** Masks of more frames are not put together: a walk for all of them takes less time. */
const FEW_ALTERNATIVES = 8;
/** Nor are masks with more beginnings of tokens that the frames below read on. */
const FEW_ENDS = 1_000;

const NOTHING = Mask.of(new Uint32Array(0));

export class Constraint {
  readonly vocabulary: Vocabulary;
  /** The state before the first generated token. */
  readonly start: State;
  readonly #automaton: Automaton;
  readonly #masks: MaskCache;
  readonly #shortest: ShortestAnswers;
  readonly #anew: (() => Constraint) | undefined;
  readonly #bits: Uint32Array;
  /** The last state that was asked for: beams and branches often ask for the same one. */
  #last: { readonly state: State; readonly mask: Mask; readonly maxDistance: number } | undefined;

  /**
   * @param masks of this vocabulary, shared by its constraints
   * @param anew creates the same constraint with another automaton
   */
  constructor(
    automaton: Automaton,
    start: State,
    vocabulary: Vocabulary,
    masks: MaskCache,
    anew?: () => Constraint,
  ) {
    this.#anew = anew;
    this.vocabulary = vocabulary;
    this.start = start;
    this.#automaton = automaton;
    this.#masks = masks;
    this.#shortest = new ShortestAnswers(automaton, vocabulary);
    this.#bits = Mask.bitsFor(vocabulary.vocabSize);
  }

  /**
   * The same constraint with an automaton of its own: a constraint that is kept does not keep what texts have led to, and
   * no text depends on texts that were generated before.
   */
  forText(): Constraint {
    return this.#anew?.() ?? this;
  }

  /**
   * The tokens that may follow. End-of-text tokens are not among them: the text may end if `state.accepts`.
   * @param room number of tokens that may follow, this one included. Tokens that would leave too little room for any
   *   whole answer are not allowed.
   * @throws ConstraintError if the constraint is too ambiguous for a mask
   */
  allowed(state: State, room = Infinity): Mask {
    this.#automaton.bound();
    if (this.#last?.state !== state) this.#last = { state, ...this.#maskOf(state) };
    const { mask, maxDistance } = this.#last;
    if (room > maxDistance) return mask;
    // Where one token alone may follow, the text that there is room for goes on with it.
    const isForced = mask.size === 1 && !state.accepts && room > 0;
    return isForced ? mask : this.#within(state, room);
  }

  /**
   * @returns the state after a token; null if the token may not follow
   * @throws ConstraintError if the text has too many readings
   */
  next(state: State, token: number): State | null {
    this.#automaton.bound();
    const bytes = this.vocabulary.bytesOf(token);
    return bytes.length === 0 ? null : this.#read(state, bytes);
  }

  /** Whether a text of at most `tokens` tokens can be whole. */
  fits(tokens: number): boolean {
    this.#automaton.bound();
    return this.#shortest.isWithin(this.start, tokens);
  }

  /**
   * The least number of tokens with which a text is whole. It is exact as far as a bounded search can tell, else a
   * number that suffices.
   */
  leastTokens(state = this.start): number {
    return this.#shortest.leastTokens(state);
  }

  #read(state: State, bytes: Uint8Array): State | null {
    let next: State | null = state;
    for (const byte of bytes) {
      next = this.#automaton.step(next, byte);
      if (!next) return null;
    }
    return next;
  }

  #maskOf(state: State): { mask: Mask; maxDistance: number } {
    const { alternatives } = state;
    if (alternatives.length > FEW_ALTERNATIVES) return this.#ofState(state);
    const [only] = alternatives;
    const masks = alternatives.map(({ frame }) => this.#ofFrame(frame));
    if (only && alternatives.length === 1 && masks[0]?.ends.length === 0) {
      return { mask: masks[0].inside, maxDistance: masks[0].maxDistance + only.rest.distance };
    }
    const ends = alternatives.reduce(
      (sum, { rest }, i) => sum + (rest.alternatives.length > 0 ? (masks[i] as FrameMask).ends.length : 0),
      0,
    );
    if (ends > FEW_ENDS) return this.#ofState(state);
    let maxDistance = 0;
    this.#bits.fill(0);
    alternatives.forEach(({ frame, rest }, i) => {
      const { inside, ends, maxDistance: ofFrame } = masks[i] as FrameMask;
      inside.addTo(this.#bits);
      maxDistance = Math.max(maxDistance, ofFrame + rest.distance);
      const visitor: Visitor = {
        token: (token, { distance }) => {
          Mask.set(this.#bits, token);
          maxDistance = Math.max(maxDistance, distance);
        },
      };
      if (frame.continuation) {
        const own = this.#automaton.push([frame], rest);
        for (const node of ends) {
          const after = this.#read(own, this.vocabulary.prefixOf(node));
          if (!after) continue;
          maxDistance = Math.max(maxDistance, after.distance);
          this.vocabulary.walk(this.#automaton, after, node, visitor);
        }
      } else if (rest.alternatives.length > 0) {
        for (const node of ends) this.vocabulary.walk(this.#automaton, rest, node, visitor);
      }
    });
    return { mask: Mask.of(this.#bits), maxDistance };
  }

  #ofState(state: State): { mask: Mask; maxDistance: number } {
    const { inside, maxDistance } = this.#masks.get(state, () => ({ ...this.#compute(state), ends: [] }));
    return { mask: inside, maxDistance };
  }

  /** The frame's mask is that of a text which ends with the frame. */
  #ofFrame(frame: Frame): FrameMask {
    const { continuation } = frame;
    if (continuation) {
      const mask = this.#ofFrame(continuation.of);
      return { ...mask, maxDistance: mask.maxDistance + continuation.farther };
    }
    const equal = frame.within?.(this.vocabulary.longest) ?? frame;
    const mask = this.#masks.get(equal, () =>
      equal.exception ? this.#without(equal.exception) : this.#compute(this.#alone(equal)),
    );
    const farther = frame.distance - equal.distance;
    return farther === 0 ? mask : { ...mask, maxDistance: mask.maxDistance + farther };
  }

  #compute(state: State): FrameMask {
    const bits = Mask.bitsFor(this.vocabulary.vocabSize);
    const ends: TrieNode[] = [];
    let maxDistance = 0;
    this.vocabulary.walk(this.#automaton, state, this.vocabulary.root, {
      token: (token, { distance }) => {
        Mask.set(bits, token);
        if (distance > maxDistance) maxDistance = distance;
      },
      accepted: (node) => ends.push(node),
    });
    return { inside: Mask.of(bits), ends, maxDistance };
  }

  /** Walks only where both frames go: everything else is as in the mask of the one. */
  #without({ all, but, farther }: Exception): FrameMask {
    const whole = this.#ofFrame(all);
    const removed: number[] = [];
    const closed = new Set<number>();
    this.vocabulary.walk(this.#automaton, this.#alone(but), this.vocabulary.root, {
      token: (token, { accepts }) => {
        if (accepts) removed.push(token);
      },
      accepted: ({ from }) => closed.add(from),
    });
    const maxDistance = whole.maxDistance + farther;
    if (removed.length + closed.size === 0) return { ...whole, maxDistance, sharesTokens: true };
    const bits = Mask.bitsFor(this.vocabulary.vocabSize);
    whole.inside.addTo(bits);
    for (const token of removed) Mask.clear(bits, token);
    return {
      inside: Mask.of(bits),
      ends: whole.ends.filter(({ from }) => !closed.has(from)),
      maxDistance,
    };
  }

  /** The state of a text that ends with the frame. */
  #alone(frame: Frame): State {
    return this.#automaton.push([frame], this.#automaton.end);
  }

  /** The tokens after which a whole answer takes less than `room` tokens, as far as a bounded search can tell. */
  #within(state: State, room: number): Mask {
    if (room <= 0) return NOTHING;
    const bits = Mask.bitsFor(this.vocabulary.vocabSize);
    const way = this.#shortest.firstWithin(state, room);
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
}
