/** @module How many tokens a request has been. */
import type { GenerationEvent } from './events.ts';
import type { GenerationRequest } from './request.ts';

export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly prompt_tokens_details: {
    /** Those of which nothing had to be computed. */
    readonly cached_tokens: number;
  };
}

/** Counts the tokens of the choices that are returned, the one that ends a text included. */
export class UsageMeter {
  readonly #promptTokens: number;
  readonly #cachedTokens: () => number;
  #completionTokens = 0;

  /** @param cachedTokens so far */
  constructor({ prompts }: GenerationRequest, cachedTokens: () => number) {
    this.#promptTokens = prompts.reduce((sum, { ids }) => sum + ids.length, 0);
    this.#cachedTokens = cachedTokens;
  }

  count(event: GenerationEvent): void {
    if (event.type === 'token') this.#completionTokens++;
  }

  get usage(): Usage {
    const [prompt_tokens, completion_tokens] = [this.#promptTokens, this.#completionTokens];
    return {
      prompt_tokens,
      completion_tokens,
      total_tokens: prompt_tokens + completion_tokens,
      prompt_tokens_details: { cached_tokens: this.#cachedTokens() },
    };
  }
}
