/** @module The mask of a state: those of its frames, and what lies below them reads the rest of tokens. */
import type { Automaton } from './automaton.ts';
import { TooAmbiguousError } from './errors.ts';
import type { Exception, Frame } from './frame.ts';
import { Mask } from './mask.ts';
import type { FrameMask, MaskCache } from './mask-cache.ts';
import { stepCloser } from './shortest-answers.ts';
import type { State } from './state.ts';
import type { TrieNode, Visitor, Vocabulary } from './vocabulary.ts';

/** Masks of more frames are not put together: a walk for all of them takes less time. */
const FEW_ALTERNATIVES = 8;
/** Nor are masks with more beginnings of tokens that the frames below read on. */
const FEW_ENDS = 1_000;

/** Alternatives that all single bytes of a place may join. */
const MAX_JOINED_OF_BYTES = 25_000;

export interface StateMask {
  readonly mask: Mask;
  /** The largest distance after one of the tokens, or more. */
  readonly maxDistance: number;
}

export class MaskMaker {
  readonly #automaton: Automaton;
  readonly #vocabulary: Vocabulary;
  readonly #masks: MaskCache;

  /** @param masks of this vocabulary, shared by constraints */
  constructor(automaton: Automaton, vocabulary: Vocabulary, masks: MaskCache) {
    this.#automaton = automaton;
    this.#vocabulary = vocabulary;
    this.#masks = masks;
  }

  /** @throws ConstraintError if the tokens have too many readings */
  maskOf(state: State): StateMask {
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
    const bits = Mask.sharedBitsFor(this.#vocabulary.vocabSize);
    const automaton = this.#automaton;
    automaton.bound();
    alternatives.forEach(({ frame, rest }, i) => {
      const { inside, ends, maxDistance: ofFrame } = masks[i] as FrameMask;
      inside.addTo(bits);
      maxDistance = Math.max(maxDistance, ofFrame + rest.distance);
      const visitor: Visitor = {
        token: (token, { distance }) => {
          Mask.set(bits, token);
          maxDistance = Math.max(maxDistance, distance);
        },
      };
      if (frame.continuation) {
        const own = automaton.push([frame], rest);
        for (const node of ends) {
          const after = automaton.read(own, this.#vocabulary.prefixOf(node));
          if (!after) continue;
          maxDistance = Math.max(maxDistance, after.distance);
          this.#vocabulary.walk(automaton, after, node, visitor);
        }
      } else if (rest.alternatives.length > 0) {
        for (const node of ends) this.#vocabulary.walk(automaton, rest, node, visitor);
      }
    });
    return { mask: Mask.of(bits), maxDistance };
  }

  /**
   * The tokens of a single byte, as many as a bound allows. There is always one that leads closer to the end.
   * @param farthest distance that they may leave
   * @throws TooAmbiguousError if one byte has too many readings
   */
  bytesOf(state: State, farthest = Infinity): StateMask {
    const automaton = this.#fork();
    const own = automaton.adopt(state);
    automaton.bound(MAX_JOINED_OF_BYTES);
    const bits = Mask.sharedBitsFor(this.#vocabulary.vocabSize);
    let maxDistance = 0;
    const add = (byte: number, { distance }: State) => {
      if (distance > farthest) return;
      const token = this.#vocabulary.tokenOf([byte]);
      if (token === undefined) return;
      Mask.set(bits, token);
      maxDistance = Math.max(maxDistance, distance);
    };
    if (!state.accepts) add(...stepCloser(automaton, own));
    try {
      for (const byte of own.bytes.toSorted((a, b) => a - b)) {
        const next = automaton.step(own, byte);
        if (next) add(byte, next);
      }
    } catch (error) {
      if (!(error instanceof TooAmbiguousError)) throw error;
    }
    return { mask: Mask.of(bits), maxDistance };
  }

  #ofState(state: State): StateMask {
    const { inside, maxDistance } = this.#masks.get(state, () => {
      const automaton = this.#fork();
      return { ...this.#compute(automaton, automaton.adopt(state)), ends: [] };
    });
    return { mask: inside, maxDistance };
  }

  /** The frame's mask is that of a text which ends with the frame. */
  #ofFrame(frame: Frame): FrameMask {
    const { continuation } = frame;
    if (continuation) {
      const mask = this.#ofFrame(continuation.of);
      return { ...mask, maxDistance: mask.maxDistance + continuation.farther };
    }
    const equal = frame.within?.(this.#vocabulary.longest) ?? frame;
    const compute = () => {
      if (equal.exception) return this.#without(equal.exception);
      const automaton = this.#fork();
      return this.#compute(automaton, alone(equal, automaton));
    };
    const mask = equal.isOwn ? compute() : this.#masks.get(equal, compute);
    const farther = frame.distance - equal.distance;
    return farther === 0 ? mask : { ...mask, maxDistance: mask.maxDistance + farther };
  }

  #compute(automaton: Automaton, state: State): FrameMask {
    const bits = Mask.sharedBitsFor(this.#vocabulary.vocabSize);
    const ends: TrieNode[] = [];
    let maxDistance = 0;
    this.#vocabulary.walk(automaton, state, this.#vocabulary.root, {
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
    const automaton = this.#fork();
    this.#vocabulary.walk(automaton, alone(but, automaton), this.#vocabulary.root, {
      token: (token, { accepts }) => {
        if (accepts) removed.push(token);
      },
      accepted: ({ from }) => closed.add(from),
    });
    const maxDistance = whole.maxDistance + farther;
    if (removed.length + closed.size === 0) return { ...whole, maxDistance, sharesTokens: true };
    const bits = Mask.sharedBitsFor(this.#vocabulary.vocabSize);
    whole.inside.addTo(bits);
    for (const token of removed) Mask.clear(bits, token);
    return {
      inside: Mask.of(bits),
      ends: whole.ends.filter(({ from }) => !closed.has(from)),
      maxDistance,
    };
  }

  /** Each part of a mask has an automaton of its own, so that it is the same whatever was computed before. */
  #fork(): Automaton {
    const automaton = this.#automaton.fork();
    automaton.bound();
    return automaton;
  }
}

/** The state of a text that ends with the frame. */
function alone(frame: Frame, automaton: Automaton): State {
  return automaton.push([frame], automaton.end);
}
