/** @module OpenAI's `logprobs` of a completion: parallel lists with one entry per token. */
import type { ModelLogprobs } from '../../../decoding/interface/events.ts';
import type { StreamingDecoder } from '../../../tokenizer/streaming-decoder.ts';
import type { Tokenizer } from '../../../tokenizer/tokenizer.ts';

export interface CompletionLogprobs {
  readonly tokens: string[];
  /** The model's own log-probability of each token; null for the first of a prompt, which has no context. */
  readonly token_logprobs: (number | null)[];
  /** The likeliest tokens at each position, and the token itself. */
  readonly top_logprobs: (Record<string, number> | null)[];
  /** The offset of each token in the choice's text. */
  readonly text_offset: number[];
}

export const emptyLogprobs = (): CompletionLogprobs => ({
  tokens: [],
  token_logprobs: [],
  top_logprobs: [],
  text_offset: [],
});

/** Writes the entries of one choice, token by token. */
export class LogprobsWriter {
  readonly #tokenizer: Tokenizer;
  readonly #decoder: StreamingDecoder;
  #offset = 0;

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
    this.#decoder = tokenizer.decoder({ skipSpecialTokens: true });
  }

  /** Appends a token to the lists of `target`. */
  add(target: CompletionLogprobs, token: number, model: ModelLogprobs | null): void {
    const name = (id: number) => tokenName(this.#tokenizer, id);
    target.tokens.push(name(token));
    target.token_logprobs.push(model?.logprob ?? null);
    target.top_logprobs.push(
      model &&
        Object.fromEntries([
          ...model.top.map(({ token: id, logprob }) => [name(id), logprob]),
          [name(token), model.logprob],
        ]),
    );
    target.text_offset.push(this.#offset);
    this.#offset += this.#decoder.push(token).length;
  }
}

/** A token's text, or OpenAI's `bytes:\xe2\x80` for bytes that are not whole characters. */
export function tokenName(tokenizer: Tokenizer, token: number): string {
  const bytes = tokenizer.tokenBytes(token);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return `bytes:${Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}`;
  }
}
