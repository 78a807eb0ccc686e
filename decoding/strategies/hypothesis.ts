/** @module A hypothesis of a search: its tokens, its scores and its node in the token tree. */
import type { DecodedSequence, FinishReason, GeneratedToken } from '../interface/events.ts';
import type { TokenTree, TreeNode } from '../interface/token-tree.ts';
import type { TokenSequence } from '../processors/logits-processor.ts';

export class Hypothesis implements TokenSequence {
  readonly tokens: Int32Array;
  readonly length: number;
  readonly generated: readonly GeneratedToken[];
  /** For each generated token, the beam that it continued. */
  readonly beamIndices: readonly number[];
  /** The sum of the generated tokens' log-probabilities. */
  readonly score: number;
  /** The node of the token before the last. */
  readonly #parent: TreeNode | null;
  /** The node of the last token; null before `appendTo` and after `releaseFrom`. */
  #node: TreeNode | null = null;

  private constructor(
    tokens: Int32Array,
    generated: readonly GeneratedToken[],
    beamIndices: readonly number[],
    score: number,
    parent: TreeNode | null,
  ) {
    this.tokens = tokens;
    this.length = tokens.length;
    this.generated = generated;
    this.beamIndices = beamIndices;
    this.score = score;
    this.#parent = parent;
  }

  static ofPrompt(prompt: ArrayLike<number>, node: TreeNode): Hypothesis {
    const hypothesis = new Hypothesis(Int32Array.from(prompt), [], [], 0, node.parent);
    hypothesis.#node = node;
    return hypothesis;
  }

  /**
   * This hypothesis plus one token, which has no node yet.
   * @param beam index of this hypothesis in the current step
   */
  extended(generated: GeneratedToken, beam: number, score: number): Hypothesis {
    const tokens = new Int32Array(this.length + 1);
    tokens.set(this.tokens);
    tokens[this.length] = generated.token;
    return new Hypothesis(
      tokens,
      [...this.generated, generated],
      [...this.beamIndices, beam],
      score,
      this.#node,
    );
  }

  get last(): GeneratedToken {
    const last = this.generated.at(-1);
    if (!last) throw new Error('no token has been generated');
    return last;
  }

  /** Appends the last token to the tree, below the hypothesis that this one extends. */
  appendTo(tree: TokenTree): TreeNode {
    this.#node = tree.append(this.#parent, this.last.token);
    return this.#node;
  }

  releaseFrom(tree: TokenTree): void {
    if (this.#node) tree.release(this.#node);
    this.#node = null;
  }

  /** @param score of the sequence in beam search; null in other searches */
  toSequence(finish_reason: FinishReason, score: number | null): DecodedSequence {
    const { generated } = this;
    const modelLogprobs = generated.flatMap(({ model }) => model ?? []);
    return {
      tokens: generated.map(({ token }) => token),
      finish_reason,
      score,
      token_logprobs: generated.map(({ logprob }) => logprob),
      model_logprobs: modelLogprobs.length === generated.length ? modelLogprobs : null,
      beam_indices: score === null ? null : this.beamIndices,
    };
  }
}
