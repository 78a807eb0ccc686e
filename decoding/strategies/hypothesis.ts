/** @module A text in the making, as the strategies see it: its tokens, its scores and its place in the tree. */
import type { DecodedSequence, GeneratedToken } from '../interface/events.ts';
import type { TokenTree, TreeNode } from '../interface/token-tree.ts';
import type { TokenSequence } from '../processors/logits-processor.ts';
import type { FinishReason } from './stopping.ts';

export class Hypothesis implements TokenSequence {
  readonly tokens: Int32Array;
  readonly length: number;
  readonly generated: readonly GeneratedToken[];
  /** For each generated token, which beam it continued. */
  readonly beams: readonly number[];
  /** The sum of what the generated tokens added. */
  readonly score: number;
  readonly #above: TreeNode | null;
  #node: TreeNode | null = null;

  private constructor(
    tokens: Int32Array,
    generated: readonly GeneratedToken[],
    beams: readonly number[],
    score: number,
    above: TreeNode | null,
  ) {
    this.tokens = tokens;
    this.length = tokens.length;
    this.generated = generated;
    this.beams = beams;
    this.score = score;
    this.#above = above;
  }

  static ofPrompt(prompt: ArrayLike<number>, node: TreeNode): Hypothesis {
    const hypothesis = new Hypothesis(Int32Array.from(prompt), [], [], 0, node.parent);
    hypothesis.#node = node;
    return hypothesis;
  }

  /** This one, which is `beam` of its step, and one token more, which has no place in the tree yet. */
  extended(generated: GeneratedToken, beam: number, score: number): Hypothesis {
    const tokens = new Int32Array(this.length + 1);
    tokens.set(this.tokens);
    tokens[this.length] = generated.token;
    return new Hypothesis(tokens, [...this.generated, generated], [...this.beams, beam], score, this.#node);
  }

  get last(): GeneratedToken {
    const last = this.generated.at(-1);
    if (!last) throw new Error('nothing has been generated');
    return last;
  }

  /** Gives the last token its place in the tree, below the hypothesis that this one extends. */
  place(tree: TokenTree): TreeNode {
    this.#node = tree.append(this.#above, this.last.token);
    return this.#node;
  }

  /** Gives its place up. */
  leave(tree: TokenTree): void {
    if (this.#node) tree.release(this.#node);
    this.#node = null;
  }

  /** @param score of the whole, in beam search; without one there have been no beams */
  decoded(finish_reason: FinishReason, score: number | null): DecodedSequence {
    const { generated } = this;
    const models = generated.flatMap(({ model }) => model ?? []);
    return {
      tokens: generated.map(({ token }) => token),
      finish_reason,
      score,
      token_logprobs: generated.map(({ logprob }) => logprob),
      model_logprobs: models.length === generated.length ? models : null,
      beam_indices: score === null ? null : this.beams,
    };
  }
}

/**
 * The next forward pass: `next` take their places in the tree and get their logits, those of `previous` that nothing
 * continues give theirs up.
 */
export async function advance(
  tree: TokenTree,
  previous: Iterable<Hypothesis>,
  next: readonly { readonly hypothesis: Hypothesis; readonly row: Float32Array }[],
): Promise<void> {
  const evaluations = next.map(({ hypothesis, row }) => ({ node: hypothesis.place(tree), logits: row }));
  for (const hypothesis of new Set(previous)) hypothesis.leave(tree);
  await tree.evaluate(evaluations);
}
