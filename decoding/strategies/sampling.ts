/**
 * @module Greedy search and sampling, as transformers 5.18.0 `GenerationMixin._sample`, for several branches of one
 * prompt: each step of all branches is one forward pass.
 */

import type { DecodedSequence, DecodingEvent, GeneratedToken } from '../interface/events.ts';
import type { Random } from '../math/random.ts';
import { greedyToken, sampleToken } from '../math/sample-token.ts';
import type { ResolvedOptions } from '../options/options.ts';
import { advance, type Hypothesis } from './hypothesis.ts';
import { withRawLogprobs } from './model-logprobs.ts';
import type { Search } from './search.ts';
import type { FinishReason } from './stopping.ts';

export interface Sampling extends Search {
  /** One generator for each branch, so that no branch's draws depend on how many others there are. */
  readonly randoms: readonly Random[];
}

interface Branch {
  readonly row: Float32Array;
  hypothesis: Hypothesis;
  reason: FinishReason | null;
}

export async function* sampleBranches(
  sampling: Sampling,
): AsyncGenerator<DecodingEvent, DecodedSequence[], undefined> {
  const { tree, prompt, rows, options, stopping, signal } = sampling;
  for (const row of rows.slice(1)) row.set(rows[0] as Float32Array);
  const branches = rows.map((row): Branch => ({ row, hypothesis: prompt, reason: null }));
  // Which of several will be returned is known in the end.
  const tells = options.best_of === undefined;
  for (let open = branches; open.length > 0; open = branches.filter(({ reason }) => !reason)) {
    signal?.throwIfAborted();
    const previous = open.map(({ hypothesis }) => hypothesis);
    for (const [sequence, branch] of branches.entries()) {
      if (branch.reason) continue;
      const generated = chooseToken(sampling, branch.hypothesis, sequence);
      branch.hypothesis = branch.hypothesis.extended(
        generated,
        sequence,
        branch.hypothesis.score + generated.logprob,
      );
      branch.reason = stopping(branch.hypothesis);
      if (!tells) continue;
      yield { type: 'token', sequence, ...generated };
      if (branch.reason) yield { type: 'finished', sequence, reason: branch.reason };
    }
    const next = open.filter(({ reason }) => !reason);
    if (next.length === 0) break;
    // Again: the reader has had its events since.
    signal?.throwIfAborted();
    await advance(tree, previous, next);
  }
  return best(branches, options).map(({ hypothesis, reason }) =>
    hypothesis.decoded(reason ?? 'length', null),
  );
}

function chooseToken(sampling: Sampling, hypothesis: Hypothesis, branch: number): GeneratedToken {
  const { options, processors, randoms, rawLogprobs } = sampling;
  const row = sampling.rows[branch] as Float32Array;
  rawLogprobs?.keep(branch, row);
  for (const process of processors) process(row, hypothesis);
  const choice = options.do_sample ? sampleToken(row, randoms[branch] as Random) : greedyToken(row);
  return withRawLogprobs(choice, rawLogprobs, branch);
}

/** The likeliest by log-probability per token, as OpenAI's `best_of` has it. */
function best(
  branches: readonly Branch[],
  { best_of, num_return_sequences }: ResolvedOptions,
): readonly Branch[] {
  if (best_of === undefined) return branches;
  const perToken = ({ hypothesis }: Branch) => hypothesis.score / hypothesis.generated.length;
  return branches.toSorted((a, b) => perToken(b) - perToken(a)).slice(0, num_return_sequences);
}
