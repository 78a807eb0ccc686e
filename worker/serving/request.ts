/** @module What is asked for, whatever contract it came in. */
import type { DecodingOptions } from '../../decoding/options/options.ts';

export interface GenerationRequest {
  /** Token ids of each prompt, at least one each. */
  readonly prompts: readonly Prompt[];
  readonly options: DecodingOptions;
  /** Texts for each prompt. In greedy search, where there is but one, it is told so many times. */
  readonly n: number;
  /** Strings that end a text: before them, or with them. */
  readonly stop: readonly string[];
  readonly keepStop: boolean;
  /** Whether what others have computed of the prompts may be used, and what is computed now be left to others. */
  readonly cachePrompt: boolean;
}

export interface Prompt {
  readonly ids: ArrayLike<number>;
  /** As it was given, or what the ids stand for. */
  readonly text: string;
}
