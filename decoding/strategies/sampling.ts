/**
 * @module Greedy search and sampling (transformers 5.18.0 `GenerationMixin._sample`), for several branches of
 * one prompt. All branches of a step are rows of one forward pass.
 */
import type { DecodedSequence, DecodingEvent, FinishReason, GeneratedToken } from '../interface/events.ts';
import { type Random, seededRandom } from '../math/random.ts';
import { greedyToken, sampleToken } from '../math/sample-token.ts';
import type { Hypothesis } from './hypothesis.ts';
import type { LiveHypothesis, Search, Strategy } from './search.ts';

interface Branch extends LiveHypothesis {
  /** One generator per branch: its samples do not depend on the number of branches. */
  readonly random: Random;
  hypothesis: Hypothesis;
  reason: FinishReason | null;
}

export class Sampling implements Strategy {
  readonly #search: Search;
  readonly #branches: readonly Branch[];

  constructor(search: Search) {
    const { rows, prompt, options } = search;
    this.#search = search;
    for (const row of rows.slice(1)) row.set(rows[0] as Float32Array);
    this.#branches = rows.map((row, i) => ({
      row,
      random: seededRandom(options.seed, i),
      hypothesis: prompt,
      reason: null,
    }));
  }

  get live(): readonly LiveHypothesis[] {
    return this.#branches.filter(({ reason }) => !reason);
  }

  *step(): Generator<DecodingEvent, void, undefined> {
    const { options, stopping } = this.#search;
    // `best_of` picks its winners at the end, so nothing streams before.
    const streams = options.best_of === undefined;
    for (const [sequence, branch] of this.#branches.entries()) {
      if (branch.reason) continue;
      const generated = this.#chooseToken(branch);
      const { hypothesis } = branch;
      branch.hypothesis = hypothesis.extended(generated, sequence, hypothesis.score + generated.logprob);
      branch.reason = stopping(branch.hypothesis);
      if (!streams) continue;
      yield { type: 'token', sequence, ...generated };
      if (branch.reason) yield { type: 'finished', sequence, reason: branch.reason };
    }
  }

  get sequences(): readonly DecodedSequence[] {
    return this.#returned.map(({ hypothesis, reason }) => hypothesis.toSequence(reason ?? 'length', null));
  }

  #chooseToken({ row, random, hypothesis }: Branch): GeneratedToken {
    const { options, processors, rawLogprobs } = this.#search;
    // The branches choose one after the other, so one saved row serves all.
    rawLogprobs?.save(0, row);
    for (const process of processors) process(row, hypothesis);
    const choice = options.do_sample ? sampleToken(row, random) : greedyToken(row);
    return rawLogprobs?.annotate(0, choice) ?? choice;
  }

  /** All branches, or the `num_return_sequences` best by log-probability per token (OpenAI's `best_of`). */
  get #returned(): readonly Branch[] {
    const { best_of, num_return_sequences } = this.#search.options;
    if (best_of === undefined) return this.#branches;
    const perToken = ({ hypothesis }: Branch) => hypothesis.score / hypothesis.generated.length;
    return this.#branches.toSorted((a, b) => perToken(b) - perToken(a)).slice(0, num_return_sequences);
  }
}
