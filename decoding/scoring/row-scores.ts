/** @module What a row of logits says of the tokens that may come next. */
import type { LogitsRow } from '../interface/logits-row.ts';
import { logarithm } from '../math/elementary.ts';
import { entropyOf, normalizerOf } from '../math/softmax.ts';

/** The parts of a lent row that scoring reads. */
export type ScoredRow = Pick<LogitsRow, 'values' | 'normalizer' | 'indexOf'>;

/** A row that a model has copied. */
export function copiedRow(values: Float32Array): ScoredRow {
  return {
    values,
    normalizer: () => normalizerOf(values),
    indexOf: (logit) => values.indexOf(logit),
  };
}

export interface RowScores {
  /** The first of the likeliest tokens, which greedy search chooses; -1 if the row has no softmax. */
  readonly best: number;
  /** Rounded to float32 it has the bits of `logSoftmax`. NaN if the row has no softmax. */
  logprob(token: number): number;
}

export function scoresOf(row: ScoredRow): RowScores {
  const { values } = row;
  const { largest, total } = row.normalizer(1);
  const logTotal = logarithm(total);
  return {
    best: row.indexOf(largest),
    logprob: (token) => (values[token] as number) - largest - logTotal,
  };
}

/** The entropy of the next token, in nats. */
export function entropyOfRow(row: ScoredRow): number {
  return entropyOf(row.values, row.normalizer(1));
}
