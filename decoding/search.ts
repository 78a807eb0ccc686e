/** @module What every strategy starts from. */
import type { Hypothesis } from './hypothesis.ts';
import type { ModelRows } from './model-logprobs.ts';
import type { ResolvedOptions } from './options.ts';
import type { LogitsProcessor } from './processor.ts';
import type { Stopping } from './stopping.ts';
import type { TokenTree } from './token-tree.ts';

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
  readonly modelRows: ModelRows | undefined;
  readonly signal: AbortSignal | undefined;
}
