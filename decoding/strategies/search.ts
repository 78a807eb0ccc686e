/** @module The input of every strategy, and the interface that `decode` drives it by. */
import type { DecodedSequence, DecodingEvent } from '../interface/events.ts';
import type { Evaluation } from '../interface/token-tree.ts';
import type { SelectionWorkspace } from '../math/selection.ts';
import type { ResolvedOptions } from '../options/options.ts';
import type { ConstraintRule } from '../processors/constraint.ts';
import type { LogitsProcessor } from '../processors/logits-processor.ts';
import type { Hypothesis } from './hypothesis.ts';
import type { RawLogprobs } from './raw-logprobs.ts';
import type { StoppingCriterion } from './stopping.ts';

export interface Search {
  readonly prompt: Hypothesis;
  /**
   * Buffers `[vocab_size]`, one per branch or beam, which contain the logits after the prompt in the first step.
   * Undefined for a search that reads its rows in place.
   */
  readonly rows: readonly Float32Array[] | undefined;
  /** With guidance: buffers like `rows`, for the logits after the negative prompt and the same tokens. */
  readonly unconditional: readonly Float32Array[] | undefined;
  readonly options: ResolvedOptions;
  /** Empty when no token ends a text. */
  readonly eosTokenIds: readonly number[];
  /** Undefined for texts without a constraint. It is one of the `processors` if there are rows. */
  readonly constraint: ConstraintRule | undefined;
  readonly processors: readonly LogitsProcessor[];
  readonly stopping: StoppingCriterion;
  /** Undefined without the option `logprobs`. */
  readonly rawLogprobs: RawLogprobs | undefined;
  /** Shared with the processors. */
  readonly workspace: SelectionWorkspace;
}

/** A search copies the logits after a token, or reads them in place. */
export type LogitsTarget = Pick<Evaluation, 'logits' | 'read' | 'only' | 'gather'>;

/** An unfinished hypothesis, and what the next step needs of its logits. */
export interface LiveHypothesis {
  readonly hypothesis: Hypothesis;
  readonly target: LogitsTarget;
  /** With guidance: receives the logits after the negative prompt and the same tokens. */
  readonly unconditional?: Float32Array | undefined;
}

/** A search, one step at a time. `decode` runs the model between the steps. */
export interface Strategy {
  /** Empty when the search is done. */
  readonly live: readonly LiveHypothesis[];
  /**
   * Extends every live hypothesis by a token, once its target has the logits.
   * @throws NoTokenLeftError
   */
  step(): Generator<DecodingEvent, void, undefined>;
  /** The sequences to return, best first. Valid once the search is done. */
  readonly sequences: readonly DecodedSequence[];
}
