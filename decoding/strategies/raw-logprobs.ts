/** @module The model's own log-probabilities of the next token, kept before processors change them. */
import type { GeneratedToken, ModelLogprobs, TokenLogprob } from '../interface/events.ts';
import { type SelectionWorkspace, topIndices } from '../math/selection.ts';
import { logSoftmax } from '../math/softmax.ts';

/** One row of log-probabilities for each branch or beam, from which those of the chosen tokens are read afterwards. */
export class RawLogprobs {
  readonly #rows: readonly Float32Array[];
  readonly #tops: (readonly TokenLogprob[])[] = [];
  readonly #top: number;
  readonly #workspace: SelectionWorkspace;

  /** @param top how many of the likeliest tokens to report beside the chosen one */
  constructor(count: number, vocabSize: number, top: number, workspace: SelectionWorkspace) {
    this.#rows = Array.from({ length: count }, () => new Float32Array(vocabSize));
    this.#top = top;
    this.#workspace = workspace;
  }

  /** @param scores `[vocab_size]` logits or log-probabilities */
  keep(index: number, scores: Float32Array): void {
    const kept = this.#rows[index] as Float32Array;
    kept.set(scores);
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

/** `generated` with the model's own log-probabilities, if they were kept. */
export function withRawLogprobs(
  generated: GeneratedToken,
  kept: RawLogprobs | undefined,
  index: number,
): GeneratedToken {
  return kept ? { ...generated, model: kept.of(index, generated.token) } : generated;
}
