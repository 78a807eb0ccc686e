/** @module A hypothesis of a search: its tokens, its scores and its nodes in the token tree. */

import type { Constraint } from '../constraints/automaton/constraint.ts';
import type { State } from '../constraints/automaton/state.ts';
import type { DecodedSequence, FinishReason, GeneratedToken } from '../interface/events.ts';
import type { TokenTree, TreeNode } from '../interface/token-tree.ts';
import type { TokenSequence } from '../processors/logits-processor.ts';
import { TextLog } from './text-log.ts';

export class Hypothesis implements TokenSequence {
  readonly length: number;
  /** The sum of the generated tokens' log-probabilities. */
  readonly score: number;
  readonly state: State | undefined;
  /** Begins with this text; another one may have appended to it. */
  readonly #log: TextLog;
  readonly #constraint: Constraint | undefined;
  /** Of each path: the node of the last token that has one, before the first that `appendTo` appends. */
  readonly #parents: readonly (TreeNode | null)[];
  /** Number of last tokens that have no nodes. */
  readonly #pending: number;
  /** Of each path: the node of the last token; empty before `appendTo` and after `releaseFrom`. */
  #nodes: readonly TreeNode[] = [];

  private constructor(
    fields: Pick<Hypothesis, 'length' | 'score' | 'state'>,
    log: TextLog,
    constraint: Constraint | undefined,
    parents: readonly (TreeNode | null)[],
    pending: number,
  ) {
    this.length = fields.length;
    this.score = fields.score;
    this.state = fields.state;
    this.#log = log;
    this.#constraint = constraint;
    this.#parents = parents;
    this.#pending = pending;
  }

  /**
   * @param nodes of the prompt's last token; with guidance, of the negative prompt's too: the tokens that follow have a
   *   node after each
   * @param constraint of the tokens that follow
   */
  static ofPrompt(
    prompt: ArrayLike<number>,
    nodes: readonly TreeNode[],
    constraint?: Constraint,
  ): Hypothesis {
    const fields = { length: prompt.length, score: 0, state: constraint?.start };
    const parents = nodes.map(({ parent }) => parent);
    const hypothesis = new Hypothesis(fields, TextLog.ofPrompt(prompt), constraint, parents, 0);
    hypothesis.#nodes = nodes;
    return hypothesis;
  }

  /**
   * This hypothesis plus one token, which has no node yet.
   * @param beam index of this hypothesis in the current step
   */
  extended(generated: GeneratedToken, beam: number, score: number): Hypothesis {
    const hasNodes = this.#nodes.length > 0;
    // A token that the constraint does not know ends the text: it is an end-of-text token, or forced.
    const state = this.state && (this.#constraint?.next(this.state, generated.token) ?? this.state);
    return new Hypothesis(
      { length: this.length + 1, score, state },
      this.#log.extended(this.length, generated, beam),
      this.#constraint,
      hasNodes ? this.#nodes : this.#parents,
      hasNodes ? 1 : this.#pending + 1,
    );
  }

  get tokens(): Int32Array {
    return this.#log.tokens;
  }

  /** Number of generated tokens. */
  get generatedLength(): number {
    return this.length - this.#log.promptLength;
  }

  /** The generated tokens from one index to another. */
  generated(from: number, to: number): GeneratedToken[] {
    return Array.from({ length: Math.max(0, to - from) }, (_, i) => this.#log.at(from + i));
  }

  /** Whether another hypothesis has the same generated token, with the same log-probability, at this index. */
  agreesAt(index: number, other: Hypothesis): boolean {
    return index < other.generatedLength && this.#log.agreesAt(index, other.#log);
  }

  /** Whether the constraint accepts the text as it is. */
  get isWhole(): boolean {
    const { state } = this;
    return state ? state.accepts && !state.isFree : false;
  }

  /** Appends the tokens without a node to the tree. @returns their nodes in each path; the last ones are kept */
  appendTo(tree: TokenTree): TreeNode[][] {
    const paths = this.#parents.map((parent) => {
      const nodes: TreeNode[] = [];
      for (let i = this.length - this.#pending; i < this.length; i++) {
        nodes.push(tree.append(nodes.at(-1) ?? parent, this.tokens[i] as number));
      }
      return nodes;
    });
    this.#nodes = paths.map((nodes) => nodes.at(-1) as TreeNode);
    // A node retains its ancestors, so a reference to the last one is enough.
    for (const nodes of paths) for (const node of nodes.slice(0, -1)) tree.release(node);
    return paths;
  }

  releaseFrom(tree: TokenTree): void {
    for (const node of this.#nodes) tree.release(node);
    this.#nodes = [];
  }

  /** The maximum length does not cut a whole constrained text off. */
  finishReason(reason: FinishReason): FinishReason {
    return reason === 'length' && this.isWhole ? 'stop' : reason;
  }

  /** @param score of the sequence in beam search; null in other searches */
  toSequence(finish_reason: FinishReason, score: number | null): DecodedSequence {
    const { tokens, logprobs, beams, models } = this.#log.lists(this.generatedLength);
    return {
      tokens,
      finish_reason: this.finishReason(finish_reason),
      score,
      token_logprobs: logprobs,
      model_logprobs: models.length === tokens.length ? models : null,
      beam_indices: score === null ? null : beams,
    };
  }
}
