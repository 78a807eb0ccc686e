/** @module A queue whose least item comes first. */

export class Heap<T> {
  readonly #items: { readonly priority: number; readonly value: T }[] = [];

  push(priority: number, value: T): void {
    const items = this.#items;
    let at = items.length;
    const item = { priority, value };
    items.push(item);
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      const above = items[parent] as typeof item;
      if (above.priority <= priority) break;
      items[at] = above;
      at = parent;
    }
    items[at] = item;
  }

  /** @returns the value with the least priority; undefined if there is none */
  pop(): T | undefined {
    const items = this.#items;
    const least = items[0];
    const last = items.pop();
    if (!least || !last || items.length === 0) return least?.value;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      const right = items[child + 1];
      if (right && right.priority < (items[child] as typeof last).priority) child++;
      const below = items[child] as typeof last;
      if (below.priority >= last.priority) break;
      items[at] = below;
      at = child;
    }
    items[at] = last;
    return least.value;
  }
}
