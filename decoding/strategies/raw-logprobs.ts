/** @module The model's own log-probabilities of the next token, saved before processors change them. */
import type { GeneratedToken, ModelLogprobs, TokenLogprob } from '../interface/events.ts';
import { type SelectionWorkspace, topIndices } from '../math/selection.ts';
import { logSoftmax } from '../math/softmax.ts';

/** One saved row of log-probabilities per branch or beam, to look up the chosen token in. */
export class RawLogprobs {
  readonly #take: () => readonly Float32Array[];
  #rows: readonly Float32Array[] = [];
  readonly #tops: (readonly TokenLogprob[])[] = [];
  readonly #top: number;
  readonly #workspace: SelectionWorkspace;

  /**
   * @param take provides buffers `[vocab_size]`, once they are needed
   * @param top number of likeliest tokens to report beside the chosen one
   */
  constructor(take: () => readonly Float32Array[], top: number, workspace: SelectionWorkspace) {
    this.#take = take;
    this.#top = top;
    this.#workspace = workspace;
  }

  /** @param scores `[vocab_size]` logits or log-probabilities */
  save(index: number, scores: Float32Array): void {
    if (this.#rows.length === 0) this.#rows = this.#take();
    const row = this.#rows[index] as Float32Array;
    row.set(scores);
    logSoftmax(row);
    const count = Math.min(this.#top, row.length);
    const likeliest = count > 0 ? topIndices(row, count, this.#workspace) : [];
    this.#tops[index] = likeliest.map((token) => ({ token, logprob: row[token] as number }));
  }

  of(index: number, token: number): ModelLogprobs {
    const logprob = (this.#rows[index] as Float32Array)[token] as number;
    return { logprob, top: this.#tops[index] as readonly TokenLogprob[] };
  }

  /** Adds the model's own log-probabilities to a token that was chosen by the row `index`. */
  annotate(index: number, generated: GeneratedToken): GeneratedToken {
    return { ...generated, model: this.of(index, generated.token) };
  }
}
