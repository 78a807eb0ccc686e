/** @module What every strategy starts from, and what `decode` asks of it. */
import type { DecodedSequence, DecodingEvent } from '../interface/events.ts';
import type { ResolvedOptions } from '../options/options.ts';
import type { LogitsProcessor } from '../processors/logits-processor.ts';
import type { Hypothesis } from './hypothesis.ts';
import type { RawLogprobs } from './raw-logprobs.ts';
import type { StoppingCriterion } from './stopping.ts';

export interface Search {
  /** The prompt, evaluated. */
  readonly prompt: Hypothesis;
  /** Rows `[vocab_size]` to work in, one for each branch or beam; the first has the logits after the prompt. */
  readonly rows: readonly Float32Array[];
  readonly options: ResolvedOptions;
  /** Empty when no token ends a text. */
  readonly eosTokenIds: readonly number[];
  readonly processors: readonly LogitsProcessor[];
  readonly stopping: StoppingCriterion;
  /** Present when `logprobs` asks for the model's own log-probabilities. */
  readonly rawLogprobs: RawLogprobs | undefined;
}

/** A hypothesis that goes on, and the row that is to have its logits in the next step. */
export interface LiveHypothesis {
  readonly hypothesis: Hypothesis;
  readonly row: Float32Array;
}

/** A search, one step at a time. `decode` runs the model between the steps. */
export interface Strategy {
  /** Empty when the search is done. */
  readonly live: readonly LiveHypothesis[];
  /**
   * Extends every live hypothesis by a token, chosen by the logits in its row.
   * @throws NoTokenLeftError
   */
  step(): Generator<DecodingEvent, void, undefined>;
  /** The texts to return, best first, when the search is done. */
  readonly sequences: readonly DecodedSequence[];
}
