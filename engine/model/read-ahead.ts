/**
 * @module Chooses whether the kernels read their weights ahead (`kernels/assembly/read-ahead.ts`). Bursts of reads are
 * faster where the processor's own prefetcher is slow to start, and slower where it is good. Nothing tells a program
 * which one it has, so passes of both forms are timed, with requests' own passes. The results have the same bits.
 */
import type { ModelConfig } from '../../model-assets/format/manifest.ts';
import { passMilliseconds } from './pass-time.ts';

/** Estimated time of one row. The clock has whole milliseconds, and a small model waits little for memory. */
const MIN_ROW_MILLISECONDS = 8;
/** V8 compiles WebAssembly in two tiers, so the first dozens of passes of each form are slower. */
const WARM_UP_PAIRS = 10;
const MEASURED_PAIRS = 20;
/** After so many passes the choice is made without: the clock stands still, or no two passes are alike. */
const MAX_PASSES = 400;
/** Reading ahead must take at most so much of the time without. */
const MAX_RATIO = 0.93;
/** Passes of more rows are those of prompts, which wait less for memory. */
const MAX_ROWS = 8;

/** Two passes of `rows` rows, one after the other. In milliseconds. */
interface Pair {
  readonly rows: number;
  readonly ahead: number;
  readonly without: number;
}

export class ReadAheadChoice {
  readonly #setReadAhead: (on: boolean) => void;
  /** The time of the first pass of a pair. */
  #first: number | undefined;
  /** Of the passes of this pair. */
  #rows = 0;
  #passCount = 0;
  #pairCount = 0;
  readonly #pairs: Pair[] = [];
  #value: boolean | undefined;

  /** @returns null for a small model */
  static of(config: ModelConfig, setReadAhead: (on: boolean) => void): ReadAheadChoice | null {
    const row = { node: { position: 0 }, readers: [null] };
    return passMilliseconds(config, [row]) < MIN_ROW_MILLISECONDS ? null : new ReadAheadChoice(setReadAhead);
  }

  constructor(setReadAhead: (on: boolean) => void) {
    this.#setReadAhead = setReadAhead;
    setReadAhead(false);
  }

  /** Whether the kernels read ahead from now on. Undefined while passes of both forms are timed. */
  get value(): boolean | undefined {
    return this.#value;
  }

  /** The time of passes of so many rows, all with logits, in the chosen form. Undefined if too few were timed. */
  milliseconds(rows: number): number | undefined {
    if (this.#value === undefined) return undefined;
    const pairs = this.#pairs.filter((pair) => pair.rows === rows);
    if (pairs.length < MEASURED_PAIRS / 2) return undefined;
    return middleMean(pairs.map((pair) => (this.#value ? pair.ahead : pair.without)));
  }

  /**
   * Sets the kernels for a pass.
   * @param rowsWithLogits of its `rows`
   * @returns whether its time counts
   */
  prepare(rows: number, rowsWithLogits: number): boolean {
    if (this.#value !== undefined) return false;
    const isMeasured = rows === rowsWithLogits && rows <= MAX_ROWS;
    // A pass with another number of rows begins a new pair.
    if (isMeasured && this.#rows !== rows) {
      this.#rows = rows;
      this.#first = undefined;
    }
    if (isMeasured && ++this.#passCount > MAX_PASSES) {
      this.#choose(false);
      return false;
    }
    this.#setReadAhead(isMeasured && this.#readsAhead);
    return isMeasured;
  }

  /** Takes the time of the pass that was prepared last, if its time counts. */
  add(milliseconds: number): void {
    if (this.#value !== undefined) return;
    const first = this.#first;
    if (first === undefined) {
      this.#first = milliseconds;
      return;
    }
    const [ahead, without] = this.#readsAhead ? [milliseconds, first] : [first, milliseconds];
    this.#first = undefined;
    this.#pairCount++;
    // A clock of whole milliseconds may show 0.
    if (this.#pairCount > WARM_UP_PAIRS && ahead > 0 && without > 0) {
      this.#pairs.push({ rows: this.#rows, ahead, without });
    }
    if (this.#pairs.length === MEASURED_PAIRS) this.#decide();
  }

  /** The next pass of a pair: without and with in turn, in the other order every second time. */
  get #readsAhead(): boolean {
    return (this.#first !== undefined) !== (this.#pairCount % 2 === 1);
  }

  #decide(): void {
    const ratios = this.#pairs.map(({ ahead, without }) => Math.log(ahead / without));
    this.#choose(middleMean(ratios) < Math.log(MAX_RATIO));
  }

  #choose(value: boolean): void {
    this.#value = value;
    this.#setReadAhead(value);
  }
}

/** The mean without the lowest and the highest quarter: in those, other work ran beside the pass. */
function middleMean(values: readonly number[]): number {
  const outliers = Math.floor(values.length / 4);
  const middle = values.toSorted((a, b) => a - b).slice(outliers, values.length - outliers);
  return middle.reduce((sum, value) => sum + value) / middle.length;
}
