/** @module What every strategy starts from. */

import type { TokenTree } from '../interface/token-tree.ts';
import type { ResolvedOptions } from '../options/options.ts';
import type { LogitsProcessor } from '../processors/logits-processor.ts';
import type { Hypothesis } from './hypothesis.ts';
import type { RawLogprobs } from './model-logprobs.ts';
import type { Stopping } from './stopping.ts';

export interface Search {
  readonly tree: TokenTree;
  /** The prompt, evaluated. */
  readonly prompt: Hypothesis;
  /** Rows `[vocab_size]` to work in, one for each branch or beam; the first has the logits after the prompt. */
  readonly rows: readonly Float32Array[];
  readonly options: ResolvedOptions;
  readonly processors: readonly LogitsProcessor[];
  readonly stopping: Stopping;
  /** Where `logprobs` asks for what the model thought. */
  readonly rawLogprobs: RawLogprobs | undefined;
  readonly signal: AbortSignal | undefined;
}
