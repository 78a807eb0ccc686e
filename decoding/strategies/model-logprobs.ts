/** @module What the model itself thinks of the next token, kept before processors change it. */
import type { GeneratedToken, ModelLogprobs, TokenLogprob } from '../interface/events.ts';
import { logSoftmax } from '../math/log-softmax.ts';
import { type SelectionWorkspace, topIndices } from '../math/selection.ts';

/** Memory for the log-probabilities of some rows at a time, of which the chosen tokens' will be asked for. */
export class RawLogprobs {
  readonly #rows: readonly Float32Array[];
  readonly #tops: (readonly TokenLogprob[])[] = [];
  readonly #top: number;
  readonly #workspace: SelectionWorkspace;

  /** @param top how many of the likeliest to tell beside the chosen one */
  constructor(rows: readonly Float32Array[], top: number, workspace: SelectionWorkspace) {
    this.#rows = rows.map((row) => new Float32Array(row.length));
    this.#top = top;
    this.#workspace = workspace;
  }

  /** Keeps what the logits or log-probabilities in `row` say. */
  keep(index: number, row: Float32Array): void {
    const kept = this.#rows[index] as Float32Array;
    kept.set(row);
    logSoftmax(kept);
    const count = Math.min(this.#top, kept.length);
    const likeliest = count > 0 ? topIndices(kept, count, this.#workspace) : [];
    this.#tops[index] = likeliest.map((token) => ({ token, logprob: kept[token] as number }));
  }

  of(index: number, token: number): ModelLogprobs {
    const logprob = (this.#rows[index] as Float32Array)[token] as number;
    return { logprob, top: this.#tops[index] as readonly TokenLogprob[] };
  }
}

/** What the model thought of each token of a prompt, gathered from the first on. */
export class PromptLogprobs {
  readonly logprobs: (ModelLogprobs | null)[] = [null];
  readonly #top: number;
  readonly #workspace: SelectionWorkspace;
  #rows: RawLogprobs | undefined;

  constructor(top: number, workspace: SelectionWorkspace) {
    this.#top = top;
    this.#workspace = workspace;
  }

  /** @param row logits after a token, which `next` follows */
  add(row: Float32Array, next: number): void {
    this.#rows ??= new RawLogprobs([row], this.#top, this.#workspace);
    this.#rows.keep(0, row);
    this.logprobs.push(this.#rows.of(0, next));
  }
}

/** `generated` with what the model thought of it, where that was kept. */
export function withRawLogprobs(
  generated: GeneratedToken,
  rows: RawLogprobs | undefined,
  index: number,
): GeneratedToken {
  return rows ? { ...generated, model: rows.of(index, generated.token) } : generated;
}
