/**
 * @module The JavaScript memory that requests may hold together: logits, hypotheses, answers. It is outside the
 * heap, so nothing enforces it but this: every request reserves what it needs at most before its work begins.
 */
import { LeaseExpiredError, MemoryExhaustedError } from './errors.ts';

/** A reservation that has been idle for this long ends when another request needs its bytes. */
const LEASE_MILLISECONDS = 20_000;

/** What can be computed again: it uses memory that nobody has reserved, and gives way. */
export interface Evictable {
  /** In bytes. */
  readonly bytes: number;
  /** Frees at least `bytes` of it, or all; nothing if they are negative. */
  evict(bytes: number): void;
}

export class MemoryBudget {
  /** In bytes. */
  readonly maximum: number;
  evictable: Evictable = { bytes: 0, evict: () => {} };
  readonly #reservations = new Set<MemoryReservation>();

  constructor(maximum: number) {
    this.maximum = maximum;
  }

  /** The bytes that nobody has reserved; what is evictable is in them. */
  get unused(): number {
    return Math.max(0, this.maximum - this.reserved);
  }

  /** In bytes. */
  get reserved(): number {
    return this.#reservations.values().reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** @throws MemoryExhaustedError when the bytes are more than the maximum */
  check(bytes: number): void {
    if (bytes > this.maximum)
      throw new MemoryExhaustedError(bytes, this.maximum - this.reserved, this.maximum);
  }

  /** @throws MemoryExhaustedError when the bytes are not free now, or never are */
  reserve(bytes: number): MemoryReservation {
    if (bytes <= this.maximum && bytes > this.unused) this.#expireIdle();
    const free = this.unused;
    if (bytes > free) throw new MemoryExhaustedError(bytes, free, this.maximum);
    this.evictable.evict(bytes + this.evictable.bytes - free);
    const reservation = new MemoryReservation(bytes, (closed) => this.#reservations.delete(closed));
    this.#reservations.add(reservation);
    return reservation;
  }

  /** A request that the platform has killed runs no `finally`; this frees what it held. */
  #expireIdle(): void {
    const since = Date.now() - LEASE_MILLISECONDS;
    for (const reservation of this.#reservations) if (reservation.lastUsed < since) reservation.expire();
  }
}

export class MemoryReservation {
  readonly bytes: number;
  /** `Date.now()` of the last `touch`. */
  lastUsed = Date.now();
  readonly #onClose: (reservation: MemoryReservation) => void;
  #expired = false;

  constructor(bytes: number, onClose: (reservation: MemoryReservation) => void) {
    this.bytes = bytes;
    this.#onClose = onClose;
  }

  /** Whether another request got the bytes. */
  get expired(): boolean {
    return this.#expired;
  }

  /**
   * Renews the lease.
   * @throws LeaseExpiredError after another request got the bytes
   */
  touch(): void {
    if (this.#expired) {
      throw new LeaseExpiredError('the request was idle for too long, and its memory was given to others');
    }
    this.lastUsed = Date.now();
  }

  /** Gives the bytes back. Closing twice is fine. */
  close(): void {
    this.#onClose(this);
  }

  expire(): void {
    this.#expired = true;
    this.close();
  }
}
