/** @module A hypothesis of a search: its tokens, its scores and its node in the token tree. */

import type { Constraint } from '../constraints/automaton/constraint.ts';
import type { State } from '../constraints/automaton/state.ts';
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
  readonly state: State | undefined;
  readonly #constraint: Constraint | undefined;
  /** The node of the last token that has one, before the first that `appendTo` appends. */
  readonly #parent: TreeNode | null;
  /** Number of last tokens that have no node. */
  readonly #pending: number;
  /** The node of the last token; null before `appendTo` and after `releaseFrom`. */
  #node: TreeNode | null = null;

  private constructor(
    fields: Pick<Hypothesis, 'tokens' | 'generated' | 'beamIndices' | 'score' | 'state'>,
    constraint: Constraint | undefined,
    parent: TreeNode | null,
    pending: number,
  ) {
    this.tokens = fields.tokens;
    this.length = fields.tokens.length;
    this.generated = fields.generated;
    this.beamIndices = fields.beamIndices;
    this.score = fields.score;
    this.state = fields.state;
    this.#constraint = constraint;
    this.#parent = parent;
    this.#pending = pending;
  }

  /** @param constraint of the tokens that follow */
  static ofPrompt(prompt: ArrayLike<number>, node: TreeNode, constraint?: Constraint): Hypothesis {
    const fields = { tokens: Int32Array.from(prompt), generated: [], beamIndices: [], score: 0 };
    const hypothesis = new Hypothesis({ ...fields, state: constraint?.start }, constraint, node.parent, 0);
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
    // A token that the constraint does not know ends the text: it is an end-of-text token, or forced.
    const state = this.state && (this.#constraint?.next(this.state, generated.token) ?? this.state);
    return new Hypothesis(
      {
        tokens,
        generated: [...this.generated, generated],
        beamIndices: [...this.beamIndices, beam],
        score,
        state,
      },
      this.#constraint,
      this.#node ?? this.#parent,
      this.#node ? 1 : this.#pending + 1,
    );
  }

  /** Whether the constraint accepts the text as it is. */
  get isWhole(): boolean {
    const { state } = this;
    return state ? state.accepts && !state.isFree : false;
  }

  get last(): GeneratedToken {
    const last = this.generated.at(-1);
    if (!last) throw new Error('no token has been generated');
    return last;
  }

  /** Appends the tokens without a node to the tree. @returns their nodes; the last one is the hypothesis' own */
  appendTo(tree: TokenTree): TreeNode[] {
    const nodes: TreeNode[] = [];
    for (let i = this.length - this.#pending; i < this.length; i++) {
      nodes.push(tree.append(nodes.at(-1) ?? this.#parent, this.tokens[i] as number));
    }
    this.#node = nodes.at(-1) ?? null;
    // A node retains its ancestors, so a reference to the last one is enough.
    for (const node of nodes.slice(0, -1)) tree.release(node);
    return nodes;
  }

  releaseFrom(tree: TokenTree): void {
    if (this.#node) tree.release(this.#node);
    this.#node = null;
  }

  /** The maximum length does not cut a whole constrained text off. */
  finishReason(reason: FinishReason): FinishReason {
    return reason === 'length' && this.isWhole ? 'stop' : reason;
  }

  /** @param score of the sequence in beam search; null in other searches */
  toSequence(finish_reason: FinishReason, score: number | null): DecodedSequence {
    const { generated } = this;
    const modelLogprobs = generated.flatMap(({ model }) => model ?? []);
    return {
      tokens: generated.map(({ token }) => token),
      finish_reason: this.finishReason(finish_reason),
      score,
      token_logprobs: generated.map(({ logprob }) => logprob),
      model_logprobs: modelLogprobs.length === generated.length ? modelLogprobs : null,
      beam_indices: score === null ? null : this.beamIndices,
    };
  }
}
