/** @module A returned text as it comes: what is certain of it, and which token each part of it came with. */
import type { Choice } from './api.ts';

export interface Token {
  /** As the API names it: its text, or its bytes where they are no whole character. */
  readonly name: string;
  readonly logprob: number;
  /** The likeliest in its place, best first; itself among them, or behind them. */
  readonly alternatives: readonly Alternative[];
}

export interface Alternative {
  readonly name: string;
  readonly logprob: number;
}

/** A part of the text that can be pointed at: a token, or the tokens that are one character together. */
export interface Piece {
  readonly text: string;
  readonly tokens: readonly Token[];
}

export class ChoiceText {
  text = '';
  finishReason: Choice['finish_reason'] = null;
  /** `sequences_score` of beam search. */
  score: number | null = null;
  readonly tokens: Token[] = [];
  /** Where each token begins in the text. */
  readonly #offsets: number[] = [];

  add(choice: Choice): void {
    this.text += choice.text;
    this.finishReason = choice.finish_reason;
    this.score = choice.sequences_score ?? null;
    const { tokens = [], token_logprobs = [], top_logprobs = [], text_offset = [] } = choice.logprobs ?? {};
    for (const [i, name] of tokens.entries()) {
      const logprob = token_logprobs[i] ?? 0;
      const alternatives = Object.entries(top_logprobs[i] ?? {})
        .map(([other, value]) => ({ name: other, logprob: value }))
        .sort((a, b) => b.logprob - a.logprob);
      this.tokens.push({ name, logprob, alternatives });
      this.#offsets.push(text_offset[i] ?? 0);
    }
  }

  /** Together they are the text. A token without a part in it (cut off by a stop string, or the end) is in none. */
  get pieces(): Piece[] {
    const pieces: Piece[] = [];
    let together: Token[] = [];
    for (const [i, token] of this.tokens.entries()) {
      together.push(token);
      const begin = this.#offsets[i] ?? 0;
      const end = this.#offsets[i + 1] ?? this.text.length;
      if (end <= begin) continue;
      const text = this.text.slice(begin, end);
      if (text !== '') pieces.push({ text, tokens: together });
      together = [];
    }
    return pieces;
  }
}
