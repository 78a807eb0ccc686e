/** @module A returned text while it streams, split into pieces with their tokens. */
import type { Choice } from './api.ts';

export interface Token {
  /** The API's name for it: its text, or its bytes if they are not whole characters. */
  readonly name: string;
  readonly logprob: number;
  /** The most likely tokens at its position, best first; always includes the token itself. */
  readonly alternatives: readonly Alternative[];
}

export interface Alternative {
  readonly name: string;
  readonly logprob: number;
}

/** A selectable part of the text: one token, or several whose bytes form one character. */
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
  /** Offset of each token in the text, in code points. */
  readonly #offsets: number[] = [];

  add(choice: Choice): void {
    this.text += choice.text;
    this.finishReason = choice.finish_reason;
    this.score = choice.sequences_score ?? null;
    const { tokens = [], token_logprobs = [], top_logprobs = [], text_offset = [] } = choice.logprobs ?? {};
    for (const [i, name] of tokens.entries()) {
      const logprob = token_logprobs[i] ?? 0;
      const alternatives = Object.entries(top_logprobs[i] ?? {})
        .map(([alternative, value]) => ({ name: alternative, logprob: value }))
        .sort((a, b) => b.logprob - a.logprob);
      this.tokens.push({ name, logprob, alternatives });
      this.#offsets.push(text_offset[i] ?? 0);
    }
  }

  /** Concatenated, they are the text. Omits tokens without text (end of text, cut off by a stop string). */
  get pieces(): Piece[] {
    const pieces: Piece[] = [];
    const characters = Array.from(this.text);
    let pending: Token[] = [];
    for (const [i, token] of this.tokens.entries()) {
      pending.push(token);
      const start = this.#offsets[i] ?? 0;
      const end = this.#offsets[i + 1] ?? characters.length;
      if (end <= start) continue;
      const text = characters.slice(start, end).join('');
      if (text !== '') pieces.push({ text, tokens: pending });
      pending = [];
    }
    return pieces;
  }
}
