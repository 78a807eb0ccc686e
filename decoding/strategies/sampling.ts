/**
 * @module Greedy search and sampling (transformers 5.18.0 `GenerationMixin._sample`), for several branches of
 * one prompt. All branches of a step are rows of one forward pass.
 */
import type { DecodedSequence, DecodingEvent, FinishReason, GeneratedToken } from '../interface/events.ts';
import type { LogitsRow } from '../interface/logits-row.ts';
import { type Random, seededRandom } from '../math/random.ts';
import { Rows } from '../math/row-pool.ts';
import { type Choice, greedyToken, sampleToken } from '../math/sample-token.ts';
import { branchCount } from '../options/capacity.ts';
import { type AllowedTokens, allow, isBanned, listOf } from '../processors/constraint.ts';
import { processRows } from '../processors/logits-processor.ts';
import {
  type Chooser,
  type ChooserAmong,
  greedyAmong,
  greedyChoice,
  sampledAmong,
  sampledChoice,
} from './choose-in-place.ts';
import type { Hypothesis } from './hypothesis.ts';
import type { LiveHypothesis, LogitsTarget, Search, Strategy } from './search.ts';

interface Branch extends LiveHypothesis {
  target: LogitsTarget;
  /** One generator per branch: its samples do not depend on the number of branches. */
  readonly random: Random;
  /** The number for the next choice in place. It is drawn once, though a row may be read twice. */
  drawn: number;
  /** The next token, if it was chosen in place. */
  choice?: Choice;
  hypothesis: Hypothesis;
  reason: FinishReason | null;
}

/** Of one step. More of them would keep other requests waiting: the masks of an ambiguous grammar are slow. */
const MAX_TOKENS = 32;

export class Sampling implements Strategy {
  readonly #search: Search;
  readonly #branches: readonly Branch[];
  readonly #chooseInPlace: Chooser;
  readonly #chooseAmong: ChooserAmong;

  constructor(search: Search) {
    const { rows, unconditional, prompt, options, workspace } = search;
    this.#search = search;
    this.#chooseInPlace = options.do_sample ? sampledChoice(options, workspace) : greedyChoice;
    this.#chooseAmong = options.do_sample ? sampledAmong(options, workspace) : greedyAmong;
    this.#branches = Array.from({ length: branchCount(options) }, (_, i) => {
      const random = seededRandom(options.seed, i);
      const branch: Branch = {
        target: { logits: rows?.[i] },
        unconditional: unconditional?.[i],
        random,
        drawn: random(),
        hypothesis: prompt,
        reason: null,
      };
      if (!rows) branch.target = this.#targetOf(branch);
      return branch;
    });
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
      let generated: GeneratedToken | undefined = this.#chooseToken(branch);
      for (let taken = 1; generated; taken++) {
        const { hypothesis } = branch;
        branch.hypothesis = hypothesis.extended(generated, sequence, hypothesis.score + generated.logprob);
        const reason = stopping(branch.hypothesis);
        branch.reason = reason && branch.hypothesis.finishReason(reason);
        if (streams) yield { type: 'token', sequence, ...generated };
        if (streams && branch.reason) yield { type: 'finished', sequence, reason: branch.reason };
        generated = branch.reason || taken === MAX_TOKENS ? undefined : this.#onlyToken(branch);
      }
      if (!branch.reason && !this.#search.rows) branch.target = this.#targetOf(branch);
    }
  }

  /**
   * The next token, if the constraint allows one only: it needs no logits. In place, because rows have other
   * processors, which may ban it, or their log-probabilities are wanted.
   */
  #onlyToken(branch: Branch): GeneratedToken | undefined {
    const { rows, constraint } = this.#search;
    const allowed = rows ? undefined : constraint?.(branch.hypothesis);
    if (!allowed || allowed.mask.size + allowed.ends.length !== 1) return undefined;
    branch.drawn = branch.random();
    const [token = 0] = listOf(allowed) ?? [];
    return { token, logprob: 0 };
  }

  get sequences(): readonly DecodedSequence[] {
    return this.#returned.map(({ hypothesis, reason }) => hypothesis.toSequence(reason ?? 'length', null));
  }

  #chooseToken(branch: Branch): GeneratedToken {
    const { rawLogprobs } = this.#search;
    const { logits } = branch.target;
    // The branches choose one after the other, so one saved row serves all.
    if (logits) rawLogprobs?.save(0, logits);
    const choice = logits ? this.#chooseFromRow(logits, branch) : (branch.choice as Choice);
    branch.drawn = branch.random();
    return rawLogprobs?.annotate(0, choice) ?? choice;
  }

  #targetOf(branch: Branch): LogitsTarget {
    const allowed = this.#search.constraint?.(branch.hypothesis);
    const only = allowed && listOf(allowed);
    return {
      read: (row) => {
        branch.choice = this.#choose(row, branch, allowed, only);
      },
      only,
    };
  }

  /** @param only the allowed tokens, if they are few */
  #choose(row: LogitsRow, branch: Branch, allowed?: AllowedTokens, only?: Uint32Array): Choice {
    const random = () => branch.drawn;
    if (only) {
      const logits = Float32Array.from(only, (token) => row.values[token] as number);
      if (isBanned(logits)) logits.fill(0);
      return this.#chooseAmong(only, logits, random);
    }
    const inPlace = allowed ? undefined : this.#chooseInPlace(row, random);
    return inPlace ?? this.#chooseFromCopy(row, branch, allowed);
  }

  #chooseFromCopy({ values }: LogitsRow, branch: Branch, allowed?: AllowedTokens): Choice {
    using pool = new Rows(values.length);
    const row = pool.take(1)[0] as Float32Array;
    row.set(values);
    allowed?.mask.apply(row, allowed.ends);
    if (allowed && isBanned(row)) allow(row, allowed);
    return this.#chooseFromRow(row, branch);
  }

  /** Overwrites the row. */
  #chooseFromRow(row: Float32Array, { hypothesis, drawn, random, unconditional }: Branch): Choice {
    const { options, processors } = this.#search;
    processRows(processors, [{ scores: row, sequence: hypothesis, random, unconditional }]);
    return options.do_sample ? sampleToken(row, () => drawn) : greedyToken(row);
  }

  /** All branches, or the `num_return_sequences` best by log-probability per token (OpenAI's `best_of`). */
  get #returned(): readonly Branch[] {
    const { best_of, num_return_sequences } = this.#search.options;
    if (best_of === undefined) return this.#branches;
    const perToken = ({ hypothesis }: Branch) => hypothesis.score / hypothesis.generatedLength;
    return this.#branches.toSorted((a, b) => perToken(b) - perToken(a)).slice(0, num_return_sequences);
  }
}
