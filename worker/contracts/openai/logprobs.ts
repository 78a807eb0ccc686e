/** @module OpenAI's `logprobs` of a completion: parallel lists with one entry per token. */
import type { ModelLogprobs } from '../../../decoding/interface/events.ts';
import type { TokenOffsets } from '../../../tokenizer/token-offsets.ts';
import type { Tokenizer } from '../../../tokenizer/tokenizer.ts';
import { healedText } from '../../serving/heal.ts';
import type { Prompt } from '../../serving/request.ts';

export interface CompletionLogprobs {
  readonly tokens: string[];
  /** The model's own log-probability of each token; null for the first of a prompt, which has no context. */
  readonly token_logprobs: (number | null)[];
  /** The likeliest tokens at each position, and the token itself. */
  readonly top_logprobs: (Record<string, number> | null)[];
  /** The offset of each token's first character in the choice's text, in code points. */
  readonly text_offset: number[];
}

export const emptyLogprobs = (): CompletionLogprobs => ({
  tokens: [],
  token_logprobs: [],
  top_logprobs: [],
  text_offset: [],
});

/**
 * Names of an answer's tokens that are kept: the copies of a text use them again. The first ones stay, because a
 * name that is kept for a while and then replaced has become an old object, which V8 collects late.
 */
const MAX_NAMES = 512;

/** The entries of tokens. */
export class LogprobEntries {
  readonly #tokenizer: Tokenizer;
  readonly #showSpecial: boolean;
  readonly #asIds: boolean;
  readonly #names = new Map<number, string>();

  /**
   * @param asIds whether tokens are named by their ids, as vLLM's `return_tokens_as_token_ids` wants
   * @param showSpecial whether generated text shows special tokens
   */
  constructor(tokenizer: Tokenizer, asIds: boolean, showSpecial = false) {
    this.#showSpecial = showSpecial;
    this.#tokenizer = tokenizer;
    this.#asIds = asIds;
  }

  name(token: number): string {
    const known = this.#names.get(token);
    if (known !== undefined) return known;
    const name = this.#asIds ? `token_id:${token}` : tokenName(this.#tokenizer, token);
    if (this.#names.size < MAX_NAMES) this.#names.set(token, name);
    return name;
  }

  /** The token's text, with U+FFFD in place of bytes that are not whole characters. */
  text(token: number): string {
    return this.#tokenizer.tokenText(token);
  }

  /** By name, likeliest first. Of several tokens with one name, it is the chosen one, or else the likeliest. */
  top(token: number, model: ModelLogprobs | null): ReadonlyMap<string, number> | null {
    if (!model) return null;
    const chosen = this.name(token);
    const byName = new Map<string, number>();
    for (const { token: id, logprob } of model.top) {
      const name = this.name(id);
      if ((name !== chosen || id === token) && !byName.has(name)) byName.set(name, logprob);
    }
    // A token that is not among the likeliest is less likely than all of them.
    byName.set(chosen, model.logprob);
    return byName;
  }

  /** The offsets of the tokens of a prompt, and of the text that goes on after it. */
  offsets(prompt: Prompt): TextOffsets {
    const offsets = this.#tokenizer.offsetsAfter([], this.#decoding, prompt.withSpecial);
    // The text of a healed prompt goes on in the generated tokens.
    return prompt.healed ? { next: (id) => offsets.next(id), endPrompt: () => {} } : offsets;
  }

  /**
   * The offsets of the tokens of a text that goes on after a prompt: 0 for those that begin before the text, with the
   * rest of a healed prompt.
   */
  offsetsAfter(prompt: Prompt): TextOffsets {
    const offsets = this.#tokenizer.offsetsAfter(prompt.ids, this.#decoding);
    if (!prompt.healed) return offsets;
    const rest = [...healedText(this.#tokenizer, prompt, this.#decoding)].length;
    return { next: (id) => Math.max(0, offsets.next(id) - rest), endPrompt: () => {} };
  }

  get #decoding() {
    return { skipSpecialTokens: !this.#showSpecial };
  }
}

/** The offset of each token's first character, for the tokens of one choice in turn. */
export type TextOffsets = TokenOffsets;

/** One for all names: each decoder is an object of the platform, which garbage collection finds late. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A token's text, or OpenAI's `bytes:\xe2\x80` for bytes that are not whole characters. */
export function tokenName(tokenizer: Tokenizer, token: number): string {
  const bytes = tokenizer.tokenBytes(token);
  try {
    return utf8.decode(bytes);
  } catch {
    return `bytes:${Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}`;
  }
}
