/** @module The input of every strategy, and the interface that `decode` drives it by. */
import type { DecodedSequence, DecodingEvent } from '../interface/events.ts';
import type { ResolvedOptions } from '../options/options.ts';
import type { LogitsProcessor } from '../processors/logits-processor.ts';
import type { Hypothesis } from './hypothesis.ts';
import type { RawLogprobs } from './raw-logprobs.ts';
import type { StoppingCriterion } from './stopping.ts';

export interface Search {
  /** The evaluated prompt. */
  readonly prompt: Hypothesis;
  /** Buffers `[vocab_size]`, one per branch or beam. The first contains the logits after the prompt. */
  readonly rows: readonly Float32Array[];
  readonly options: ResolvedOptions;
  /** Empty when no token ends a text. */
  readonly eosTokenIds: readonly number[];
  readonly processors: readonly LogitsProcessor[];
  readonly stopping: StoppingCriterion;
  /** Undefined without the option `logprobs`. */
  readonly rawLogprobs: RawLogprobs | undefined;
}

/** An unfinished hypothesis, and the buffer for its logits in the next step. */
export interface LiveHypothesis {
  readonly hypothesis: Hypothesis;
  readonly row: Float32Array;
}

/** A search, one step at a time. `decode` runs the model between the steps. */
export interface Strategy {
  /** Empty when the search is done. */
  readonly live: readonly LiveHypothesis[];
  /**
   * Extends every live hypothesis by a token, given the logits in its row.
   * @throws NoTokenLeftError
   */
  step(): Generator<DecodingEvent, void, undefined>;
  /** The sequences to return, best first. Valid once the search is done. */
  readonly sequences: readonly DecodedSequence[];
}
