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
const WARM_UP_PAIRS = 16;
const MEASURED_PAIRS = 24;
/** Of the pairs' ratios, so many of the lowest and of the highest are outliers: other work ran in between. */
const OUTLIERS = MEASURED_PAIRS / 4;
/** Reading ahead must take at most so much of the time without. */
const MAX_RATIO = 0.93;
/** Passes of more rows are those of prompts, which wait less for memory. */
const MAX_ROWS = 8;

export class ReadAheadChoice {
  readonly #setReadAhead: (on: boolean) => void;
  /** The time of the first pass of a pair. */
  #first: number | undefined;
  /** Of the passes of this pair. */
  #rows = 0;
  #pairs = 0;
  /** Of logarithms: time with reading ahead / time without. */
  readonly #ratios: number[] = [];
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
    this.#pairs++;
    const ratio = Math.log(ahead / without);
    // A clock of whole milliseconds may show 0.
    if (this.#pairs > WARM_UP_PAIRS && Number.isFinite(ratio)) this.#ratios.push(ratio);
    if (this.#ratios.length === MEASURED_PAIRS) this.#decide();
  }

  /** The next pass of a pair: without and with in turn, in the other order every second time. */
  get #readsAhead(): boolean {
    return (this.#first !== undefined) !== (this.#pairs % 2 === 1);
  }

  #decide(): void {
    const middle = this.#ratios.toSorted((a, b) => a - b).slice(OUTLIERS, -OUTLIERS);
    const mean = middle.reduce((sum, ratio) => sum + ratio) / middle.length;
    this.#value = mean < Math.log(MAX_RATIO);
    this.#setReadAhead(this.#value);
  }
}
