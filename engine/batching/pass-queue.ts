/**
 * @module Rows of different requests that wait at the same moment become one forward pass (continuous batching: Yu et al.
 * 2022, "Orca").
 *
 * There is no leader and no promise that crosses requests: a request puts its rows in the queue, pauses once so
 * that others can do the same, and then runs passes itself until its own rows are done. Whoever runs a pass runs
 * it for everyone in it; if that request is cancelled the next one goes on.
 *
 * ## Who is in a pass
 *
 * Everyone who waits for a token, with all rows of the step: a request with eight beams and one with a single branch both
 * get a token from each pass. Where the rows are more than a pass may have they are shared out evenly, and who needs
 * less than an even share leaves the rest to the others. Prompts share what remains among themselves in the same way;
 * but beside others' tokens a pass takes no more rows of prompts than of tokens, or for each prompt as many as come nearly free
 * with one, so that a long prompt makes the others' steps about twice as long: nobody waits longer than a step and a chunk.
 */

import type { CachedNode } from '../cache/radix-tree.ts';
import type { Gpt2 } from '../model/gpt2.ts';
import { PoisonGuard } from '../runtime/poison-guard.ts';
import { PassCounts } from './pass-counts.ts';

/** So many rows take less than twice the time of one, at any precision. */
const CHEAP_ROWS = 4;

type Model = Pick<Gpt2, 'forward' | 'maxRows'>;

export interface QueuedRow {
  readonly node: CachedNode;
  readonly logits?: Float32Array | undefined;
}

/** What rows belong to. */
export interface Caller {
  readonly closed: boolean;
}

interface Call {
  readonly caller: Caller;
  /** Rows follow each other, and not each something else. */
  readonly isPrompt: boolean;
  /** Those that are still to be computed, each after its parent. */
  rows: readonly QueuedRow[];
  /** Of its rows, those that somebody else had computed. */
  reused: number;
  failure?: { readonly error: unknown };
}

/** A call's rows of one pass. */
interface Part {
  readonly call: Call;
  readonly rows: readonly QueuedRow[];
}

export class PassQueue {
  readonly counts = new PassCounts();
  readonly #model: Model;
  readonly #pause: () => Promise<void>;
  #waiting: readonly Call[] = [];
  #passes = 0;
  readonly #forwarding = new PoisonGuard('a forward pass');

  /** @param pause lets other requests, and the sockets, have their turn */
  constructor(model: Model, pause: () => Promise<void>) {
    this.#model = model;
    this.#pause = pause;
  }

  /** Rows that wait for their pass. */
  get length(): number {
    return this.#waiting.reduce((sum, { rows }) => sum + rows.length, 0);
  }

  /** Whether a pass did not come to its end. */
  get broken(): boolean {
    return this.#forwarding.broken;
  }

  /**
   * Returns when all `rows` are computed, or `caller` is closed.
   * @returns how many rows without logits had been computed by somebody else
   * @throws OrtError, HeapExhaustedError when a pass fails with these rows alone; EngineBrokenError when none can be run
   */
  async run(caller: Caller, rows: readonly QueuedRow[]): Promise<number> {
    const isPrompt = rows.length > 1 && rows.at(-1)?.node.parent === rows.at(-2)?.node;
    const call: Call = { caller, isPrompt, rows, reused: 0 };
    this.#waiting = [...this.#waiting, call];
    try {
      while (isOpen(call)) {
        const before = this.#passes;
        await this.#pause();
        // After somebody else's pass those who were in it have their turn first: they may want to be in the next one.
        if (isOpen(call) && this.#passes === before) this.#pass();
      }
    } finally {
      this.#waiting = this.#waiting.filter((other) => other !== call);
    }
    if (call.failure) throw call.failure.error;
    return call.reused;
  }

  /** One forward pass. */
  #pass(): void {
    this.#passes++;
    for (const call of this.#waiting) dropReused(call);
    this.#waiting = this.#waiting.filter(isOpen);
    const parts = this.#parts();
    if (parts.length === 0) return;
    // Who has not got all goes behind those who have got nothing.
    const served = new Set(parts.map(({ call }) => call));
    this.#waiting = [...this.#waiting.filter((call) => !served.has(call)), ...served];
    try {
      this.#forward(parts);
    } catch (error) {
      // Whose fault it was shows when each is alone.
      if (parts.length > 1 && !this.broken) for (const part of parts) this.#forwardAlone(part);
      else for (const { call } of parts) call.failure = { error };
    }
  }

  #parts(): Part[] {
    const { maxRows } = this.#model;
    const steps = this.#waiting.filter(({ isPrompt }) => !isPrompt);
    const prompts = this.#waiting.filter(({ isPrompt }) => isPrompt);
    const forSteps = shareOut(steps, prompts.length > 0 ? Math.max(1, maxRows - CHEAP_ROWS) : maxRows);
    const tokens = forSteps.reduce((sum, { rows }) => sum + rows.length, 0);
    const whole = tokens > 0 ? Math.max(2 * tokens, CHEAP_ROWS * prompts.length) : maxRows;
    return [...forSteps, ...shareOut(prompts, Math.min(whole, maxRows) - tokens)];
  }

  #forwardAlone(part: Part): void {
    try {
      this.#forward([part]);
    } catch (error) {
      part.call.failure = { error };
    }
  }

  #forward(parts: readonly Part[]): void {
    // Several may want the same node: two requests with the same prompt, two samples with the same beginning.
    const byNode = new Map<CachedNode, { node: CachedNode; logits?: Float32Array; copies: Float32Array[] }>();
    for (const { node, logits } of parts.flatMap(({ rows }) => rows)) {
      const row = byNode.get(node) ?? { node, copies: [] };
      byNode.set(node, row);
      if (row.logits && logits) row.copies.push(logits);
      else if (logits) row.logits = logits;
    }
    const rows = [...byNode.values()];
    this.#forwarding.run(() => this.#model.forward(rows));
    this.counts.add(rows);
    for (const { node, logits, copies } of rows) {
      node.evaluated = true;
      if (logits) for (const copy of copies) copy.set(logits);
    }
    for (const { call, rows } of parts) call.rows = call.rows.slice(rows.length);
  }
}

function isOpen({ caller, rows, failure }: Call): boolean {
  return rows.length > 0 && !failure && !caller.closed;
}

/** What others have computed since is of use as it is, unless its logits are asked for: those are nowhere kept. */
function dropReused(call: Call): void {
  const left = call.rows.filter(({ node, logits }) => logits || !node.evaluated);
  call.reused += call.rows.length - left.length;
  call.rows = left;
}

/** The first rows of each call, evenly, up to `room`. */
function shareOut(calls: readonly Call[], room: number): Part[] {
  const served = calls.slice(0, room).sort((a, b) => a.rows.length - b.rows.length);
  let left = room;
  return served.map((call, i) => {
    const rows = call.rows.slice(0, Math.floor(left / (served.length - i)));
    left -= rows.length;
    return { call, rows };
  });
}
