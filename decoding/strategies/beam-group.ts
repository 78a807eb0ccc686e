/**
 * @module One group of beams and its finished hypotheses. Plain beam search has one group.
 *
 * With one group, the reference is transformers 5.18.0 `GenerationMixin._beam_search`. With several (diverse
 * beam search) it is the recipe `transformers-community/group-beam-search`, on the `BeamSearchScorer` of
 * 4.57. `#canImprove` and `#finish` implement the differences between the two.
 */
import type { Beam, FinishReason } from '../interface/events.ts';
import { finiteFloat } from '../math/float.ts';
import type { Random } from '../math/random.ts';
import { CandidateSampler } from '../math/sample-candidates.ts';
import { logSoftmax } from '../math/softmax.ts';
import { type Candidate, type ScoredTokens, topCandidates } from '../math/top-candidates.ts';
import { bestOfBeam, candidateCount } from '../options/in-place.ts';
import { allow, countOf, isBanned } from '../processors/constraint.ts';
import { processRows } from '../processors/logits-processor.ts';
import { divided } from '../processors/rescaling.ts';
import { bestOfRow } from './beam-row.ts';
import type { Hypothesis } from './hypothesis.ts';
import type { LiveHypothesis, LogitsTarget, Search } from './search.ts';

export interface FinishedHypothesis {
  readonly hypothesis: Hypothesis;
  readonly reason: FinishReason;
  readonly score: number;
}

/** A candidate with its hypothesis. */
interface Extension extends Candidate {
  readonly hypothesis: Hypothesis;
  readonly reason: FinishReason | null;
}

export class BeamGroup {
  readonly #search: Search;
  readonly #index: number;
  readonly #size: number;
  /** Undefined for a search that reads its rows in place. */
  readonly #rows: readonly Float32Array[] | undefined;
  /** With guidance. */
  readonly #unconditional: readonly Float32Array[] | undefined;
  /** The best tokens of each beam, of a search that reads its rows in place. */
  readonly #read: ScoredTokens[] = [];
  /** Number of tokens that the constraint allows after each beam. */
  readonly #allowed: (number | undefined)[] = [];
  readonly #random: Random;
  readonly #sampler = new CandidateSampler();
  #beams: readonly Hypothesis[];
  #improvable = true;
  #hasCopies = true;
  /** Best first, at most one per beam of the group. */
  finished: readonly FinishedHypothesis[] = [];
  /**
   * The tokens of the last step's live beams, and of copies of them. Once the group is done, padding, with which the
   * reference continues.
   */
  chosenTokens: readonly number[] = [];

  /** @param index below `num_beam_groups` */
  constructor(search: Search, index: number, random: Random) {
    const { num_beams, num_beam_groups } = search.options;
    this.#search = search;
    this.#index = index;
    this.#size = num_beams / num_beam_groups;
    const own = [index * this.#size, (index + 1) * this.#size] as const;
    this.#rows = search.rows?.slice(...own);
    this.#unconditional = search.unconditional?.slice(...own);
    this.#random = random;
    this.#beams = [search.prompt];
  }

  /** The live beams, best first. */
  get live(): readonly LiveHypothesis[] {
    return this.#beams.map((hypothesis, i) => ({
      hypothesis,
      target: this.#target(hypothesis, i),
      unconditional: this.#unconditional?.[i],
    }));
  }

  /**
   * Extends every beam by a token, once the targets have the logits. Does nothing once the group is done.
   * @param earlierTokens chosen in this step by the groups before this one
   */
  step(step: number, earlierTokens: readonly number[]): Beam[] {
    if (this.#beams.length === 0) {
      // A group that could go on, but has no beam left, is done one step later.
      const isDone = this.#stopsEarly || !this.#improvable;
      this.#improvable = false;
      const [padding] = this.#search.eosTokenIds;
      this.chosenTokens = isDone && padding !== undefined ? Array<number>(this.#size).fill(padding) : [];
      return [];
    }
    const rows = this.#scores(earlierTokens);
    const extensions = this.#candidates(rows).map((candidate) => this.#extend(candidate));
    const unfinished = extensions
      .filter(({ reason }) => reason === null)
      .sort((a, b) => b.score - a.score)
      .slice(0, this.#size);
    // A finished hypothesis counts only if it ranks within the group's size.
    const newlyFinished = extensions
      .slice(0, this.#size)
      .flatMap((extension): (Extension & FinishedHypothesis)[] => {
        const { hypothesis, reason } = extension;
        return reason ? [{ ...extension, reason, score: this.#normalized(hypothesis.score, step) }] : [];
      });
    this.#finish(newlyFinished);
    const best = this.#grouped ? extensions[0] : unfinished[0];
    this.#improvable &&= best !== undefined && this.#canImprove(best.score, step);
    // Beams that only the length limit ended still count for the diversity penalty of the other groups.
    const continuable = extensions.filter(({ reason }) => reason === null || reason === 'length');
    this.chosenTokens = this.#withCopies(continuable.slice(0, this.#size).map(({ token }) => token));
    const continues = this.#improvable && !this.#stopsEarly;
    this.#beams = continues ? unfinished.map(({ hypothesis }) => hypothesis) : [];
    return [
      ...unfinished.map((extension, i) => this.#toBeam(extension, continues ? this.#firstBeam + i : null)),
      ...newlyFinished.map((extension) => this.#toBeam(extension, null)),
    ];
  }

  /**
   * A group begins with copies of the first beam. The reference counts their tokens until it has found as many
   * different beams. Which of several beams it copies depends on its ties.
   */
  #withCopies(tokens: readonly number[]): readonly number[] {
    const [best] = tokens;
    this.#hasCopies &&= tokens.length < this.#size;
    if (!this.#hasCopies || best === undefined) return tokens;
    return [...tokens, ...Array<number>(this.#size - tokens.length).fill(best)];
  }

  get #grouped(): boolean {
    return this.#search.options.num_beam_groups > 1;
  }

  get #firstBeam(): number {
    return this.#index * this.#size;
  }

  /** Whether `early_stopping: true` ends the group. */
  get #stopsEarly(): boolean {
    return this.finished.length === this.#size && this.#search.options.early_stopping === true;
  }

  #target(hypothesis: Hypothesis, i: number): LogitsTarget {
    if (this.#rows) return { logits: this.#rows[i] };
    const { options, eosTokenIds, constraint } = this.#search;
    const best = bestOfBeam(options, eosTokenIds.length);
    // Of the processors before top-k, only the temperature changes what the tokens rank by.
    const { score } = hypothesis;
    const rank = options.do_sample
      ? (logprob: number) => divided(logprob, options.temperature)
      : (logprob: number) => Math.fround(score + logprob);
    return {
      read: (row) => {
        const allowed = constraint?.(hypothesis);
        this.#allowed[i] = allowed && countOf(allowed);
        this.#read[i] = bestOfRow(row, best, rank, allowed);
      },
    };
  }

  /** Applies log-softmax, then the processors: the order of the reference in beam search. */
  #scores(earlierTokens: readonly number[]): ScoredTokens[] {
    const { processors, constraint } = this.#search;
    const scored = this.#beams.map((beam, i) => this.#logprobsOf(beam, i));
    // The reference goes on if all beams have lost their tokens. Texts that have ended are good enough if some of its
    // beams go on after an end.
    const mustGoOn = this.#beams.length === this.#size || this.finished.length === 0;
    if (constraint && !this.#rows && mustGoOn && scored.every(({ scores }) => isBanned(scores))) {
      scored.forEach(({ scores, tokens }, i) => {
        const allowed = constraint(this.#beams[i] as Hypothesis);
        if (allowed && tokens) scores.fill(0);
        else if (allowed) allow(scores, allowed);
      });
    }
    const rows = scored.map(({ scores, tokens }, i) => ({
      scores,
      sequence: this.#beams[i] as Hypothesis,
      earlierTokens: tokens ? indicesOf(earlierTokens, tokens) : earlierTokens,
      random: this.#random,
      unconditional: this.#unconditional?.[i],
    }));
    processRows(processors, rows, mustGoOn);
    return scored;
  }

  #logprobsOf(beam: Hypothesis, i: number): ScoredTokens {
    const row = this.#rows?.[i];
    if (!row) return this.#read[i] as ScoredTokens;
    logSoftmax(row);
    const allowed = this.#search.constraint?.(beam);
    this.#allowed[i] = allowed && countOf(allowed);
    this.#search.rawLogprobs?.save(this.#firstBeam + i, row);
    return { scores: row };
  }

  /** The best candidates, or a sample without replacement in the order of the draw. */
  #candidates(rows: readonly ScoredTokens[]): Candidate[] {
    const { options, eosTokenIds } = this.#search;
    const base = this.#beams.map(({ score }) => score);
    const count = candidateCount(options, eosTokenIds.length);
    return options.do_sample
      ? this.#sampler.sample(rows, base, count, this.#random)
      : topCandidates(rows, base, count);
  }

  #extend(candidate: Candidate): Extension {
    const { row, token, logprob, score } = candidate;
    const chosen = { token, logprob };
    const generated = this.#search.rawLogprobs?.annotate(this.#firstBeam + row, chosen) ?? chosen;
    const hypothesis = (this.#beams[row] as Hypothesis).extended(generated, this.#firstBeam + row, score);
    return { ...candidate, hypothesis, reason: this.#search.stopping(hypothesis) };
  }

  /**
   * Adds hypotheses to `finished`. With several groups, those that the length limit ended come second: with
   * `early_stopping: true` they are dropped if the others have filled the group.
   */
  #finish(newlyFinished: readonly FinishedHypothesis[]): void {
    const isLengthLimited = ({ reason }: FinishedHypothesis) => reason === 'length';
    const rounds = this.#grouped
      ? [
          newlyFinished.filter((hypothesis) => !isLengthLimited(hypothesis)),
          newlyFinished.filter(isLengthLimited),
        ]
      : [newlyFinished];
    for (const round of rounds) {
      if (!this.#improvable || this.#stopsEarly) return;
      const all = [...this.finished, ...round].sort((a, b) => b.score - a.score);
      this.finished = all.slice(0, this.#size);
    }
  }

  /**
   * Whether a live beam could still beat the worst finished hypothesis. `early_stopping: false` estimates
   * that with the current length; "never" uses the maximum length if a longer text scores better.
   * @param best score of the best live beam; with several groups, of the best candidate, finished or not
   */
  #canImprove(best: number, step: number): boolean {
    const { early_stopping, length_penalty, max_new_tokens } = this.#search.options;
    if (this.finished.length < this.#size) return true;
    const length = early_stopping === 'never' && length_penalty > 0 ? max_new_tokens : step;
    return this.#normalized(best, length) > (this.finished.at(-1) as FinishedHypothesis).score;
  }

  /** score / length ** length_penalty, in float32; at the end of its range where it would overflow */
  #normalized(score: number, length: number): number {
    const divisor = Math.fround(length ** this.#search.options.length_penalty);
    // A divisor that underflows to 0 would give Infinity, or NaN for a score of 0.
    return finiteFloat(score / Math.max(divisor, Number.MIN_VALUE));
  }

  #toBeam({ row, token, logprob, score, reason }: Extension, index: number | null): Beam {
    const allowed = this.#allowed[row];
    return {
      group: this.#index,
      index,
      token,
      parent: this.#firstBeam + row,
      logprob,
      score,
      finished: reason,
      ...(allowed !== undefined && { allowed }),
    };
  }
}

/** The indices of those of `wanted` that are in `tokens`, as often as they are wanted. */
function indicesOf(wanted: readonly number[], tokens: Uint32Array): number[] {
  return wanted.map((token) => tokens.indexOf(token)).filter((index) => index >= 0);
}
