/**
 * @module Rows of different requests that wait at the same moment become one forward pass.
 *
 * There is no leader and no promise that crosses requests: a request puts its rows in the queue, pauses once so
 * that others can do the same, and then runs passes itself until its own rows are done. Whoever runs a pass runs
 * it for everyone in it; if that request is cancelled the next one goes on.
 */
import type { Gpt2 } from './gpt2.ts';
import type { CachedNode } from './token-tree.ts';

export interface QueuedRow {
  readonly node: CachedNode;
  readonly logits?: Float32Array | undefined;
}

type Entry = QueuedRow & { state: 'waiting' | 'done' | { readonly error: unknown } };

export class PassQueue {
  readonly #model: Gpt2;
  readonly #pause: () => Promise<void>;
  #waiting: Entry[] = [];

  /** @param pause lets other requests, and the sockets, have their turn */
  constructor(model: Gpt2, pause: () => Promise<void>) {
    this.#model = model;
    this.#pause = pause;
  }

  /** Rows that wait for their pass. */
  get length(): number {
    return this.#waiting.length;
  }

  /** Returns when all `rows` are computed; a pass that fails, fails for everyone who had rows in it. */
  async run(rows: readonly QueuedRow[]): Promise<void> {
    const entries = rows.map((row): Entry => ({ ...row, state: 'waiting' }));
    this.#waiting.push(...entries);
    try {
      for (const entry of entries) {
        while (entry.state === 'waiting' && !entry.node.tree.closed) {
          await this.#pause();
          // Somebody else may have run it during the pause.
          if (entry.state === 'waiting') this.#pass();
        }
        if (typeof entry.state === 'object') throw entry.state.error;
      }
    } finally {
      // After an error some still wait, and what they follow was never computed.
      if (entries.some(({ state }) => state === 'waiting')) {
        this.#waiting = this.#waiting.filter((entry) => !entries.includes(entry));
      }
    }
  }

  /** One forward pass for the rows that have waited longest. */
  #pass(): void {
    const open = this.#waiting.filter(({ node }) => !node.tree.closed);
    const entries = open.slice(0, this.#model.maxRows);
    this.#waiting = open.slice(entries.length);
    if (entries.length === 0) return;
    try {
      this.#model.forward(entries);
      for (const entry of entries) {
        entry.state = 'done';
        entry.node.evaluated = true;
      }
    } catch (error) {
      for (const entry of entries) entry.state = { error };
    }
  }
}
