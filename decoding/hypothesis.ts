/** @module A text in the making, as the strategies see it: its tokens, its scores and its place in the tree. */
import type { TokenLogprob } from './events.ts';
import type { TokenSequence } from './processor.ts';
import type { TreeNode } from './token-tree.ts';

/** One generated token: what it added to the score, and the model's likeliest tokens beside it if they were asked for. */
export interface GeneratedToken {
  readonly token: number;
  readonly logprob: number;
  readonly top?: readonly TokenLogprob[];
}

export class Hypothesis implements TokenSequence {
  readonly tokens: Int32Array;
  readonly length: number;
  readonly generated: readonly GeneratedToken[];
  /** The sum of what the generated tokens added. */
  readonly score: number;
  /** The last token's place in the tree; null while it has none. */
  node: TreeNode | null = null;

  private constructor(tokens: Int32Array, generated: readonly GeneratedToken[], score: number) {
    this.tokens = tokens;
    this.length = tokens.length;
    this.generated = generated;
    this.score = score;
  }

  static ofPrompt(prompt: ArrayLike<number>, node: TreeNode): Hypothesis {
    const hypothesis = new Hypothesis(Int32Array.from(prompt), [], 0);
    hypothesis.node = node;
    return hypothesis;
  }

  /** This one and one token more, which has no place in the tree yet. */
  extended(generated: GeneratedToken, score: number): Hypothesis {
    const tokens = new Int32Array(this.length + 1);
    tokens.set(this.tokens);
    tokens[this.length] = generated.token;
    return new Hypothesis(tokens, [...this.generated, generated], score);
  }

  get last(): GeneratedToken {
    const last = this.generated.at(-1);
    if (!last) throw new Error('nothing has been generated');
    return last;
  }
}
