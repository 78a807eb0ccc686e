/**
 * @module Continuous batching (Yu et al. 2022, "Orca"): rows of concurrent requests share forward passes.
 *
 * No request leads and no promise crosses requests. A request queues its rows, yields once so that others can
 * queue theirs, and then runs passes until its own rows are computed. Each pass serves every request in it;
 * if the request that runs passes is cancelled, the next one continues. `pass-policy.ts` chooses the rows of
 * a pass, and `turns.ts` says when a request that is alone need not yield.
 */

import type { Gather, GatheredLogits, LogitsReader } from '../../decoding/interface/logits-row.ts';
import type { CachedNode } from '../cache/radix-tree.ts';
import type { Gpt2 } from '../model/gpt2.ts';
import type { HeapAdapter, Row } from '../model/network.ts';
import { passMilliseconds } from '../model/pass-time.ts';
import type { ReadAheadChoice } from '../model/read-ahead.ts';
import { PoisonGuard } from '../runtime/poison-guard.ts';
import { GatheredMemo } from './gathered-memo.ts';
import { type PassShare, sharePass } from './pass-policy.ts';
import { Turns } from './turns.ts';

type Model = Pick<Gpt2, 'config' | 'forward' | 'maxRows'>;

/** What the queue needs from the JavaScript runtime. */
export interface EventLoop {
  /** Yields to other requests and to the sockets. */
  pause(): Promise<void>;
  /** In milliseconds, by a clock that counts computing too. */
  now(): Promise<number>;
}

export interface QueuedRow {
  readonly node: CachedNode;
  /** Reads the row's logits during the pass. */
  readonly read?: LogitsReader | undefined;
  /** The only tokens whose logits are read. Default: all. */
  readonly only?: Uint32Array | undefined;
  /** Reads some of the row's logits during the pass. */
  readonly gather?: Gather | undefined;
  /** The same for all rows of a node. */
  readonly adapter?: HeapAdapter | undefined;
}

export interface RowOwner {
  /** Rows of a closed owner are not computed. */
  readonly closed: boolean;
}

export interface PassRequest {
  readonly owner: RowOwner;
  /** Each after its parent. */
  readonly rows: readonly QueuedRow[];
  /** Whether the rows are a prompt, scored texts, or a reset, and not a step. */
  readonly isPrompt: boolean;
}

interface PendingCall extends PassRequest {
  /** Rows that are not computed yet. */
  rows: readonly QueuedRow[];
  /** Rows that another call computed. */
  reused: number;
  failure?: { readonly error: unknown };
}

type Share = PassShare<PendingCall>;

/** A row of a pass, for all requests that need it. */
interface SharedRow extends Row {
  readonly node: CachedNode;
  readonly readers: LogitsReader[];
  readonly gathers: Gather[];
  only?: Uint32Array | undefined;
}

export class PassQueue {
  readonly counts = new PassCounts();
  readonly #model: Model;
  readonly #eventLoop: EventLoop;
  readonly #readAhead: ReadAheadChoice | null;
  readonly #hasDot: boolean;
  readonly #turns = new Turns();
  readonly #gathered = new GatheredMemo();
  /** In order of priority. */
  #pending: readonly PendingCall[] = [];
  #passes = 0;
  /** Of the calls in the last pass. */
  #lastOwners: readonly RowOwner[] = [];
  /** Whether the time of the last pass counts for the choice of reading ahead. */
  #lastIsTimed = false;
  readonly #passGuard = new PoisonGuard('forward pass');

  /**
   * @param readAhead is told the times of passes until it has chosen
   * @param hasDot whether the kernels have the processor's instruction for dot products
   */
  constructor(model: Model, eventLoop: EventLoop, readAhead: ReadAheadChoice | null, hasDot = false) {
    this.#model = model;
    this.#eventLoop = eventLoop;
    this.#readAhead = readAhead;
    this.#hasDot = hasDot;
  }

  /** Rows that wait for a pass. */
  get length(): number {
    return this.#pending.reduce((sum, { rows }) => sum + rows.length, 0);
  }

  /** Whether a pass was interrupted. */
  get broken(): boolean {
    return this.#passGuard.broken;
  }

  /** Announces a request that may queue rows soon. */
  noticeArrival(): void {
    this.#turns.noticeArrival();
  }

  /**
   * Resolves when all rows are computed or their owner is closed.
   * @returns the number of rows without logits that other calls had computed
   * @throws OrtError, HeapExhaustedError when a pass with only these rows fails; EngineBrokenError when a
   *   pass was interrupted
   */
  async run(request: PassRequest): Promise<number> {
    const call: PendingCall = { ...request, reused: 0 };
    this.#dropComputedRows(call);
    this.#pending = [...this.#pending, call];
    try {
      while (isPending(call)) {
        const passesBefore = this.#passes;
        await this.#yieldIfDue();
        if (this.#passes === passesBefore && this.#isIncomplete) await this.#yield();
        const begin = await this.#timeIfUndecided();
        // After another request's pass, yield once more so that its participants can join the next.
        if (isPending(call) && this.#passes === passesBefore) {
          this.#runPass();
          if (begin !== undefined) await this.#addTime(begin);
        }
      }
    } finally {
      this.#pending = this.#pending.filter((other) => other !== call);
    }
    if (call.failure) throw call.failure.error;
    return call.reused;
  }

  async #yieldIfDue(): Promise<void> {
    for (const { owner } of this.#pending) this.#turns.noticeOwner(owner);
    if (this.#turns.due) await this.#yield();
  }

  async #yield(): Promise<void> {
    // Before the turn: the platform may drop this request during it.
    this.#turns.noticeTurn();
    await this.#eventLoop.pause();
  }

  /**
   * Whether a request of the last pass has not come back yet: it may still wait for its socket. Another turn is short
   * beside a pass of its own, and without it half of the requests would go on in passes of their own for ever.
   */
  get #isIncomplete(): boolean {
    const isBack = (owner: RowOwner) => this.#pending.some((call) => call.owner === owner);
    return this.#lastOwners.some((owner) => !owner.closed && !isBack(owner));
  }

  async #timeIfUndecided(): Promise<number | undefined> {
    if (!this.#readAhead || this.#readAhead.value !== undefined) return undefined;
    return this.#eventLoop.now();
  }

  /** Tells the time of the last pass, unless another one ran before the clock was read. */
  async #addTime(begin: number): Promise<void> {
    if (!this.#lastIsTimed) return;
    const pass = this.#passes;
    const end = await this.#eventLoop.now();
    if (this.#passes === pass) this.#readAhead?.add(end - begin);
  }

  #runPass(): void {
    this.#passes++;
    this.#lastIsTimed = false;
    for (const call of this.#pending) this.#dropComputedRows(call);
    this.#pending = this.#pending.filter(isPending);
    const shares = sharePass(this.#pending, this.#model.maxRows);
    if (shares.length === 0) return;
    // Calls without a share come before calls whose share was too small.
    const served = new Set(shares.map(({ call }) => call));
    this.#pending = [...this.#pending.filter((call) => !served.has(call)), ...served];
    this.#lastOwners = shares.map(({ call }) => call.owner);
    try {
      this.#forward(shares);
    } catch (error) {
      // Running each call alone isolates the one that fails.
      if (shares.length > 1 && !this.broken) for (const share of shares) this.#forwardAlone(share);
      else for (const { call } of shares) call.failure = { error };
    }
  }

  #forwardAlone(share: Share): void {
    try {
      this.#forward([share]);
    } catch (error) {
      share.call.failure = { error };
    }
  }

  /** As measured, or else as estimated. */
  #passMilliseconds(rows: readonly Row[], logitsRows: number): number {
    const measured = logitsRows === rows.length ? this.#readAhead?.milliseconds(rows.length) : undefined;
    return measured ?? passMilliseconds(this.#model.config, rows, this.#hasDot);
  }

  #forward(shares: readonly Share[]): void {
    // Calls may share a node: requests with the same prompt, or samples with the same prefix.
    const byNode = new Map<CachedNode, SharedRow>();
    for (const { call, rowCount } of shares) {
      for (const { node, read, only, gather, adapter } of call.rows.slice(0, rowCount)) {
        const row = byNode.get(node) ?? { node, adapter, readers: [], gathers: [] };
        byNode.set(node, row);
        if (gather) row.gathers.push({ ...gather, read: isolated(this.#remembered(node, gather), call) });
        if (!read) continue;
        // Readers of other tokens share a row only as a whole.
        row.only = row.readers.length === 0 || row.only === only ? only : undefined;
        row.readers.push(isolated(read, call));
      }
    }
    const uniqueRows = [...byNode.values()];
    const logitsRows = uniqueRows.filter(({ readers, only }) => readers.length > 0 && !only).length;
    const isTimed = this.#readAhead?.prepare(uniqueRows.length, logitsRows) ?? false;
    this.#turns.noticePass(this.#passMilliseconds(uniqueRows, logitsRows));
    this.#passGuard.run(() => this.#model.forward(uniqueRows));
    this.#lastIsTimed = isTimed;
    this.counts.add(uniqueRows);
    for (const { node } of uniqueRows) node.evaluated = true;
    for (const { call, rowCount } of shares) call.rows = call.rows.slice(rowCount);
  }

  /** Reads what a pass has gathered, and keeps it. */
  #remembered(node: CachedNode, { tokens, read }: Gather): Gather['read'] {
    return (gathered: GatheredLogits) => {
      // First: the reader may change it.
      this.#gathered.add(node, tokens, gathered);
      read(gathered);
    };
  }

  /**
   * Drops rows that another call computed in the meantime. Logits are not cached: rows that need them stay, unless they
   * need those alone that have been gathered before.
   */
  #dropComputedRows(call: PendingCall): void {
    call.rows = call.rows.filter(({ node, read, gather }) => {
      if (read || !node.evaluated) return true;
      if (!gather) {
        call.reused++;
        return false;
      }
      const gathered = this.#gathered.find(node, gather.tokens);
      if (gathered) isolated(gather.read, call)(gathered);
      return !gathered;
    });
  }
}

/** Counts forward passes and their rows. */
export class PassCounts {
  /** Passes, indexed by their number of rows. */
  readonly #passesByRows: number[] = [];
  #rows = 0;
  #lmHeadRows = 0;

  add(rows: readonly Row[]): void {
    this.#passesByRows[rows.length] = (this.#passesByRows[rows.length] ?? 0) + 1;
    this.#rows += rows.length;
    this.#lmHeadRows += rows.filter(hasLogits).length;
  }

  /** A histogram, in ascending order of rows. */
  get passesByRows(): [rows: number, passes: number][] {
    return [...this.#passesByRows.entries()].filter(([, passes]) => passes);
  }

  get rows(): number {
    return this.#rows;
  }

  /** Rows with logits; the others belong to prompts. */
  get lmHeadRows(): number {
    return this.#lmHeadRows;
  }
}

/** Whether any of the row's logits are computed. */
const hasLogits = ({ readers, gathers = [] }: Row): boolean => readers.length + gathers.length > 0;

/** A reader whose failure is that of its call alone: the pass goes on. */
function isolated<T>(read: (row: T) => void, call: PendingCall): (row: T) => void {
  return (row) => {
    try {
      read(row);
    } catch (error) {
      call.failure = { error };
    }
  };
}

function isPending({ owner, rows, failure }: PendingCall): boolean {
  return rows.length > 0 && !failure && !owner.closed;
}
