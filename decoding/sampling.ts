/**
 * @module Greedy search and sampling, as transformers 5.18.0 `GenerationMixin._sample`, for several branches of one
 * prompt: each step of all branches is one forward pass.
 */
import { chooseLikeliest, drawToken } from './choose.ts';
import type { DecodedSequence, DecodingEvent } from './events.ts';
import type { GeneratedToken, Hypothesis } from './hypothesis.ts';
import type { ResolvedOptions } from './options.ts';
import type { LogitsProcessor } from './processor.ts';
import { logSoftmax } from './processors/log-softmax.ts';
import type { Random } from './random.ts';
import type { FinishReason, Stopping } from './stopping.ts';
import type { TokenTree, TreeNode } from './token-tree.ts';
import { likeliest } from './top-candidates.ts';

export interface Sampling {
  readonly tree: TokenTree;
  /** The prompt, evaluated. */
  readonly prompt: Hypothesis;
  /** Rows to work in, one for each branch; the first has the logits after the prompt. */
  readonly rows: readonly Float32Array[];
  readonly options: ResolvedOptions;
  readonly processors: readonly LogitsProcessor[];
  readonly stopping: Stopping;
  /** One generator for each branch, so that no branch's draws depend on how many others there are. */
  readonly randoms: readonly Random[];
  readonly signal: AbortSignal | undefined;
}

interface Branch {
  hypothesis: Hypothesis;
  /** Of the last token that was evaluated. */
  node: TreeNode | null;
  reason: FinishReason | null;
}

export async function* sampleBranches(
  sampling: Sampling,
): AsyncGenerator<DecodingEvent, DecodedSequence[], undefined> {
  const { tree, prompt, rows, options, stopping, signal } = sampling;
  for (const row of rows.slice(1)) row.set(rows[0] as Float32Array);
  const branches = rows.map((): Branch => ({ hypothesis: prompt, node: prompt.node, reason: null }));
  // Which of several will be returned is known in the end.
  const tells = options.best_of === undefined;
  for (;;) {
    signal?.throwIfAborted();
    for (const [sequence, branch] of branches.entries()) {
      if (branch.reason) continue;
      const generated = chooseToken(sampling, branch.hypothesis, sequence);
      branch.hypothesis = branch.hypothesis.extended(generated, branch.hypothesis.score + generated.logprob);
      branch.reason = stopping(branch.hypothesis);
      if (!tells) continue;
      yield { type: 'token', sequence, ...generated };
      if (branch.reason) yield { type: 'finished', sequence, reason: branch.reason };
    }
    const open = branches.flatMap((branch, i) => (branch.reason ? [] : [{ branch, i }]));
    if (open.length === 0) break;
    // Again: the reader has had its events since.
    signal?.throwIfAborted();
    await tree.evaluate(
      open.map(({ branch, i }) => {
        const node = tree.append(branch.node, branch.hypothesis.last.token);
        if (branch.node && branch.node !== prompt.node) tree.release(branch.node);
        branch.node = node;
        return { node, logits: rows[i] as Float32Array };
      }),
    );
  }
  return best(branches, options).map(({ hypothesis, reason }) => ({
    tokens: hypothesis.generated.map(({ token }) => token),
    finish_reason: reason ?? 'length',
    score: null,
    token_logprobs: hypothesis.generated.map(({ logprob }) => logprob),
  }));
}

function chooseToken(sampling: Sampling, hypothesis: Hypothesis, branch: number): GeneratedToken {
  const { options, processors, randoms } = sampling;
  const row = sampling.rows[branch] as Float32Array;
  const top = options.logprobs ? likeliest(logprobsOf(row), options.logprobs) : undefined;
  for (const process of processors) process(row, hypothesis);
  const choice = options.do_sample ? drawToken(row, randoms[branch] as Random) : chooseLikeliest(row);
  return { ...choice, ...(top && { top }) };
}

function logprobsOf(row: Float32Array): Float32Array {
  const logprobs = row.slice();
  logSoftmax(logprobs);
  return logprobs;
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
