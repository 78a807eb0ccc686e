/** @module How many passes there were, of how many rows. */

export class PassCounts {
  /** By the number of their rows. */
  readonly #passes: number[] = [];
  #rows = 0;
  #lmHead = 0;

  add(rows: readonly { readonly logits?: Float32Array | undefined }[]): void {
    this.#passes[rows.length] = (this.#passes[rows.length] ?? 0) + 1;
    this.#rows += rows.length;
    this.#lmHead += rows.filter(({ logits }) => logits).length;
  }

  /** `[rows, passes with so many]`, of those that there were, rising. */
  get passes(): [rows: number, passes: number][] {
    return [...this.#passes.entries()].filter(([, passes]) => passes);
  }

  get rows(): number {
    return this.#rows;
  }

  /** Rows whose logits were asked for: the others are of prompts. */
  get lmHead(): number {
    return this.#lmHead;
  }
}
