/** @module Tries hostile constraints one after the other, in a thread that can be ended if one does not end. */
import { parentPort, workerData } from 'node:worker_threads';
import { loadGpt2 } from '../../bench/constraints/vocabulary.ts';
import { MaskCache } from '../../decoding/constraints/automaton/mask-cache.ts';
import type { ConstraintSource } from '../../decoding/constraints/source.ts';
import { hostileConstraint, type Tried, tryHostile } from '../support/hostile-constraints.ts';

export interface Range {
  readonly from: number;
  readonly to: number;
  /** Milliseconds of processor time above which a constraint is tried again. */
  readonly limit: number;
  /** Constraints between two measurements of the heap. */
  readonly interval: number;
}

export type Message =
  | { readonly kind: 'begin'; readonly seed: number; readonly type: ConstraintSource['type'] }
  | { readonly kind: 'tried'; readonly seed: number; readonly source: string; readonly tried: Tried }
  | { readonly kind: 'failed'; readonly seed: number; readonly message: string; readonly stack: string }
  | { readonly kind: 'heap'; readonly megabytes: number };

const TOKENS = 30;
/** As in the Worker. */
const MASK_BYTES = 2 ** 20;
const WARM_UP = 100;
/** A garbage collection may fall into a try, and what else the machine does inflates the processor time of all. */
const MAX_TRIES = 5;
const MAX_SOURCE = 200;

const { from, to, limit, interval } = workerData as Range;
const { vocabulary } = await loadGpt2();
const masks = new MaskCache(MASK_BYTES);

// Those in which V8 optimizes the code are known to end, and their times do not count.
for (let seed = 0; seed < WARM_UP; seed++) {
  try {
    attempt(seed, hostileConstraint(seed), masks);
  } catch {
    // It counts when its turn comes.
  }
}
for (let seed = from; seed < to; seed++) {
  if ((seed - from) % interval === 0) measureHeap();
  const source = hostileConstraint(seed);
  post({ kind: 'begin', seed, type: source.type });
  try {
    post({ kind: 'tried', seed, source: describe(source), tried: quickest(seed, source) });
  } catch (error) {
    const { name, message, stack = '' } = error as Error;
    post({ kind: 'failed', seed, message: `${source.type}: ${name}: ${message}`, stack });
  }
}
measureHeap();

/** The least time of each part, of as many tries as it takes to be within the limit. Later ones have masks of their own. */
function quickest(seed: number, source: ConstraintSource): Tried {
  let least = attempt(seed, source, masks);
  for (let tries = 1; tries < MAX_TRIES && Math.max(least.compilation, ...least.tokens) > limit; tries++) {
    const { tokens } = least;
    const next = attempt(seed, source, new MaskCache(MASK_BYTES));
    least = {
      outcome: next.outcome,
      compilation: Math.min(least.compilation, next.compilation),
      tokens: next.tokens.map((ms, i) => Math.min(ms, tokens[i] ?? ms)),
    };
  }
  return least;
}

function attempt(seed: number, source: ConstraintSource, cache: MaskCache): Tried {
  return tryHostile(seed, source, { vocabulary, masks: cache, tokens: TOKENS });
}

function describe(source: ConstraintSource): string {
  try {
    return JSON.stringify(source).slice(0, MAX_SOURCE);
  } catch {
    return `${source.type}, too deep to show`;
  }
}

function measureHeap(): void {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  post({ kind: 'heap', megabytes: (heapUsed + external) / 1e6 });
}

function post(message: Message): void {
  parentPort?.postMessage(message);
}
