/** @module The usage in each chunk of a stream: vLLM's `continuous_usage_stats`. */
import type { Usage } from '../../http/request-record.ts';
import type { GenerationRequest } from '../../serving/request.ts';

/** As vLLM counts: the tokens of the chunk's own choice so far, and of its prompt. */
export class ChunkUsage {
  readonly #generation: GenerationRequest;
  readonly #tokens = new Map<number, number>();

  constructor(generation: GenerationRequest) {
    this.#generation = generation;
  }

  /** @param hasToken whether the chunk adds a token to its choice */
  of(choice: number, hasToken: boolean): Omit<Usage, 'prompt_tokens_details'> {
    const { prompts, n } = this.#generation;
    const prompt_tokens = prompts[Math.floor(choice / n)]?.ids.length ?? 0;
    const completion_tokens = (this.#tokens.get(choice) ?? 0) + Number(hasToken);
    this.#tokens.set(choice, completion_tokens);
    return { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens };
  }
}
