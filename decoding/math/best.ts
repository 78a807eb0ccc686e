/** @module The best of many, of which there are too many to sort. */

/** Keeps the items of highest rank, best first; of equal ranks those that came first. */
export class Best<Item extends { readonly rank: number }> {
  readonly #limit: number;
  readonly #items: Item[] = [];

  /** @param limit the number of items to keep, at least 1 */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get items(): readonly Item[] {
    return this.#items;
  }

  /** Items of a lower rank are certainly not among the best. */
  get least(): number {
    const last = this.#items[this.#limit - 1];
    return last ? last.rank : Number.NEGATIVE_INFINITY;
  }

  /** Whether an item of this rank would be kept now. One that is no finite number never is. */
  accepts(rank: number): boolean {
    return Number.isFinite(rank) && rank > this.least;
  }

  /** @param item of a rank that is accepted */
  add(item: Item): void {
    const items = this.#items;
    let low = 0;
    let high = items.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((items[middle] as Item).rank >= item.rank) low = middle + 1;
      else high = middle;
    }
    items.splice(low, 0, item);
    if (items.length > this.#limit) items.pop();
  }
}
