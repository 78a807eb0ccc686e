/**
 * @module The constraints of an isolate: the vocabulary as a trie, and what is kept of compiled constraints for later
 * requests, in memory that gives way to requests.
 */
import type { Constraint } from '../../decoding/constraints/automaton/constraint.ts';
import {
  CompileBudget,
  type CompileLimits,
  ConstraintError,
} from '../../decoding/constraints/automaton/errors.ts';
import { MaskCache } from '../../decoding/constraints/automaton/mask-cache.ts';
import { Vocabulary } from '../../decoding/constraints/automaton/vocabulary.ts';
import { anyText, compileConstraint } from '../../decoding/constraints/compile.ts';
import type { ConstraintSource } from '../../decoding/constraints/source.ts';
import type { Evictable, MemoryBudget } from '../../engine/batching/memory-budget.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';

/** Bounds of the deployment. */
export interface ConstraintLimits extends CompileLimits {
  /** Bytes of masks and compiled constraints that are kept. */
  readonly cacheBytes: number;
}

const MAX_KEPT = 8;

/** Steps of compilations ahead of their requests' turns: 5 % of the time, and at most so many at once. */
const STEPS_AHEAD_PER_MILLISECOND = 500;
const MAX_STEPS_AHEAD = 1_000_000;
/** What a request's first mask takes, and whether it has room for a whole text. */
const STEPS_OF_CHECK = 100_000;

export class Constraints implements Evictable {
  readonly #tokenizer: Tokenizer;
  /** Made for the first constraint: a model without any loads faster. */
  #vocabulary: Vocabulary | undefined;
  #hasAllBytes: boolean | undefined;
  readonly #memory: MemoryBudget;
  readonly #beside: Pick<Evictable, 'bytes'>;
  readonly #masks: MaskCache;
  /** By source. The first was used longest ago. */
  readonly #compiled = new Map<string, Constraint>();
  #cacheBytes = 0;
  /** Of all compilations. */
  #steps = 0;
  #stepsAhead = MAX_STEPS_AHEAD;
  /** When steps were last added. */
  #addedAt = Date.now();

  /** @param beside what is kept in the same memory */
  constructor(tokenizer: Tokenizer, memory: MemoryBudget, beside: Pick<Evictable, 'bytes'> = { bytes: 0 }) {
    this.#tokenizer = tokenizer;
    this.#memory = memory;
    this.#beside = beside;
    this.#masks = new MaskCache(() => this.#maximum - this.#compiledBytes);
  }

  get bytes(): number {
    return this.#masks.bytes + this.#compiledBytes;
  }

  /** Number of compiled constraints that are kept. */
  get compiled(): number {
    return this.#compiled.size;
  }

  evict(bytes: number): void {
    const wanted = this.bytes - bytes;
    this.#masks.evict(bytes);
    for (const source of this.#compiled.keys()) {
      if (this.bytes <= wanted) return;
      this.#compiled.delete(source);
    }
  }

  /** The tokens of texts by their bytes; undefined for a tokenizer whose texts are not the bytes of their tokens. */
  get vocabulary(): Vocabulary | undefined {
    if (!this.#vocabulary && this.#tokenizer.isBytewise) this.#vocabulary = vocabularyOf(this.#tokenizer);
    this.#hasAllBytes ??= this.#vocabulary !== undefined && hasAllBytes(this.#vocabulary);
    return this.#hasAllBytes ? this.#vocabulary : undefined;
  }

  /**
   * A constraint whose texts begin with some bytes.
   * @param constraint of what follows. Default: none
   * @throws RangeError without a vocabulary
   */
  after(bytes: Uint8Array, constraint?: Constraint): Constraint {
    const { vocabulary } = this;
    if (!vocabulary) throw new RangeError(NOT_BYTEWISE);
    return (constraint ?? anyText(vocabulary, this.#masks)).after(bytes);
  }

  /** @throws ConstraintError */
  compile(source: ConstraintSource, { cacheBytes, ...limits }: ConstraintLimits): Constraint {
    this.#cacheBytes = cacheBytes;
    const key = JSON.stringify([source, limits]);
    const known = this.#compiled.get(key);
    this.#compiled.delete(key);
    const { vocabulary } = this;
    if (!vocabulary) throw new ConstraintError(`this model's texts cannot be constrained: ${NOT_BYTEWISE}`);
    const constraint = known ?? this.#compile(source, vocabulary, limits);
    this.#compiled.set(key, constraint);
    for (const oldest of this.#compiled.keys()) {
      if (this.#compiled.size <= MAX_KEPT && this.#compiledBytes <= this.#maximum) break;
      this.#compiled.delete(oldest);
    }
    const text = constraint.forText();
    // Its parts are kept for the first step. If it cannot be made, the request is refused before anything is computed.
    const { size } = text.allowed(text.start);
    if (size === 0 && text.start.bytes.length > 0)
      throw new ConstraintError('the constraint has too many ways to read the first byte of a text');
    return text;
  }

  /**
   * Does work that compiles a constraint ahead of its request's turn, unless others have taken too much time for that:
   * requests that will be refused do not keep those that run from their passes.
   * @returns whether it was done
   */
  tryAhead(work: () => void): boolean {
    const now = Date.now();
    const added = STEPS_AHEAD_PER_MILLISECOND * (now - this.#addedAt);
    this.#stepsAhead = Math.min(this.#stepsAhead + added, MAX_STEPS_AHEAD);
    this.#addedAt = now;
    if (this.#stepsAhead <= 0) return false;
    const before = this.#steps;
    try {
      work();
    } finally {
      this.#stepsAhead -= this.#steps - before + STEPS_OF_CHECK;
    }
    return true;
  }

  #compile(source: ConstraintSource, vocabulary: Vocabulary, limits: CompileLimits): Constraint {
    const budget = new CompileBudget(limits);
    try {
      return compileConstraint(source, vocabulary, { masks: this.#masks, budget });
    } finally {
      this.#steps += budget.steps;
    }
  }

  get #compiledBytes(): number {
    return this.#compiled.values().reduce((sum, { bytes }) => sum + bytes, 0);
  }

  get #maximum(): number {
    return Math.min(this.#cacheBytes, Math.max(0, this.#memory.unused - this.#beside.bytes));
  }
}

export const NOT_BYTEWISE =
  'its tokenizer has no token for each single byte, or joins tokens by more than their bytes';

/** Whether any text can be written token by token, as the least lengths of constraints assume. */
function hasAllBytes(vocabulary: Vocabulary): boolean {
  for (let byte = 0; byte < 256; byte++) {
    const isInUtf8 = byte !== 0xc0 && byte !== 0xc1 && byte < 0xf5;
    if (isInUtf8 && vocabulary.tokenOf([byte]) === undefined) return false;
  }
  return true;
}

function vocabularyOf({ trie }: Tokenizer): Vocabulary {
  const { offsets, tokenBytes, sorted } = trie;
  return new Vocabulary({ offsets, bytes: tokenBytes }, sorted);
}
