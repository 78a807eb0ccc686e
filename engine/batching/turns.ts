/**
 * @module When a computation gives the event loop its turn, so that other requests and their sockets proceed. A
 * turn takes workerd's timer a millisecond, about half as long as a pass of a small model. So a request that is
 * alone gives a turn by the work it has done, and requests beside each other after every pass.
 */

/** So much longer may a request wait for its first turn, if it comes while another is alone. */
const WORK_MILLISECONDS = 10;
/**
 * For so many turns after it was noticed a request may come back: it needs some of them for its body, between its
 * rows, and for its answer.
 */
const TURNS_IN_COMPANY = 8;

interface Owner {
  readonly closed: boolean;
}

/** Keeps no count of requests that compute: the platform may drop one without running its `finally`. */
export class Turns {
  /** The estimated time of the passes since the last turn. */
  #workMilliseconds = 0;
  #turnsInCompany = TURNS_IN_COMPANY;
  /** Requests that have come in these turns, and have no rows so far. Some never have. */
  #arrivals = 0;
  #lastOwner: Owner | undefined;

  /** Whether the event loop must get its turn before the next pass. */
  get due(): boolean {
    return this.#turnsInCompany > 0 || this.#workMilliseconds >= WORK_MILLISECONDS;
  }

  /** A request has arrived, and will need turns. */
  noticeArrival(): void {
    this.#arrivals++;
    this.#turnsInCompany = TURNS_IN_COMPANY;
  }

  /** @param owner of rows that wait for a pass */
  noticeOwner(owner: Owner): void {
    if (owner === this.#lastOwner) return;
    this.#arrivals = Math.max(0, this.#arrivals - 1);
    const isAlone = this.#arrivals === 0 && (this.#lastOwner?.closed ?? true);
    // One turn for those that came in the same moment.
    this.#turnsInCompany = isAlone ? 1 : TURNS_IN_COMPANY;
    this.#lastOwner = owner;
  }

  noticePass(milliseconds: number): void {
    this.#workMilliseconds += milliseconds;
  }

  noticeTurn(): void {
    this.#workMilliseconds = 0;
    this.#turnsInCompany = Math.max(0, this.#turnsInCompany - 1);
    if (this.#turnsInCompany === 0) this.#arrivals = 0;
  }
}
