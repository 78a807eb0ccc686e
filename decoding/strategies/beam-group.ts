/**
 * @module One group of beams and its finished hypotheses: the rules of beam search. Plain beam search is one group.
 *
 * They are those of transformers 5.18.0 `GenerationMixin._beam_search`. Several groups are diverse beam search, which
 * transformers 5 has as the recipe `transformers-community/group-beam-search` over the `BeamSearchScorer` of 4.57; where
 * the two differ, a group does as its own reference: see `#canImprove` and `#finish`.
 */
import type { Beam, FinishReason } from '../interface/events.ts';
import type { Random } from '../math/random.ts';
import { CandidateSampler } from '../math/sample-candidates.ts';
import { logSoftmax } from '../math/softmax.ts';
import { type Candidate, topCandidates } from '../math/top-candidates.ts';
import type { Hypothesis } from './hypothesis.ts';
import { withRawLogprobs } from './raw-logprobs.ts';
import type { LiveHypothesis, Search } from './search.ts';

export interface FinishedHypothesis {
  readonly hypothesis: Hypothesis;
  readonly reason: FinishReason;
  readonly score: number;
}

/** A candidate as the hypothesis it makes. */
interface Extension extends Candidate {
  readonly hypothesis: Hypothesis;
  readonly reason: FinishReason | null;
}

export class BeamGroup {
  readonly #search: Search;
  readonly #index: number;
  readonly #size: number;
  readonly #rows: readonly Float32Array[];
  readonly #random: Random;
  readonly #sampler = new CandidateSampler();
  #beams: readonly Hypothesis[];
  #improvable = true;
  /** Best first, at most as many as there are beams. */
  finished: readonly FinishedHypothesis[] = [];
  /** The tokens of the last step's live beams; once the group is done, the padding that the reference goes on with. */
  chosenTokens: readonly number[] = [];

  /** @param index which of `num_beam_groups` */
  constructor(search: Search, index: number, random: Random) {
    const { num_beams, num_beam_groups } = search.options;
    this.#search = search;
    this.#index = index;
    this.#size = num_beams / num_beam_groups;
    this.#rows = search.rows.slice(index * this.#size, (index + 1) * this.#size);
    this.#rows[0]?.set(search.rows[0] as Float32Array);
    this.#random = random;
    this.#beams = [search.prompt];
  }

  /** The beams that go on, best first. */
  get live(): readonly LiveHypothesis[] {
    return this.#beams.map((hypothesis, i) => ({ hypothesis, row: this.#rows[i] as Float32Array }));
  }

  /**
   * Extends every beam by a token, by the logits in the rows. Nothing goes on when the group is done.
   * @param earlierTokens chosen in this step by the groups before this one
   */
  step(step: number, earlierTokens: readonly number[]): Beam[] {
    if (this.#beams.length === 0) {
      this.chosenTokens = this.#search.eosTokenIds
        .slice(0, 1)
        .flatMap((padding) => Array<number>(this.#size).fill(padding));
      return [];
    }
    const scores = this.#beams.map((beam, i) => this.#scoresOf(beam, i, earlierTokens));
    const extensions = this.#candidates(scores).map((candidate) => this.#extend(candidate, scores));
    const open = extensions
      .filter(({ reason }) => reason === null)
      .sort((a, b) => b.score - a.score)
      .slice(0, this.#size);
    // An ended hypothesis counts only if it ranks within the group's size.
    const ended = extensions.slice(0, this.#size).flatMap((extension): (Extension & FinishedHypothesis)[] => {
      const { hypothesis, reason } = extension;
      return reason ? [{ ...extension, reason, score: this.#normalized(hypothesis.score, step) }] : [];
    });
    this.#finish(ended);
    const best = this.#grouped ? extensions[0] : open[0];
    this.#improvable &&= best !== undefined && this.#canImprove(best.score, step);
    // Beams that the length ends would have gone on: their tokens count for the other groups.
    const unended = extensions.filter(({ reason }) => reason === null || reason === 'length');
    this.chosenTokens = unended.slice(0, this.#size).map(({ token }) => token);
    const goesOn = this.#improvable && !this.#eager;
    this.#beams = goesOn ? open.map(({ hypothesis }) => hypothesis) : [];
    return [
      ...open.map((extension, i) => this.#beam(extension, goesOn ? this.#firstBeam + i : null)),
      ...ended.map((extension) => this.#beam(extension, null)),
    ];
  }

  get #grouped(): boolean {
    return this.#search.options.num_beam_groups > 1;
  }

  get #firstBeam(): number {
    return this.#index * this.#size;
  }

  /** Whether `early_stopping: true` ends the group. */
  get #eager(): boolean {
    return this.finished.length === this.#size && this.#search.options.early_stopping === true;
  }

  /** Log-probabilities first and processors after them, as the reference has it in beam search. */
  #scoresOf(beam: Hypothesis, i: number, earlierTokens: readonly number[]): Float32Array {
    const row = this.#rows[i] as Float32Array;
    logSoftmax(row);
    this.#search.rawLogprobs?.keep(this.#firstBeam + i, row);
    for (const process of this.#search.processors) process(row, beam, earlierTokens);
    return row;
  }

  /** The best, or as many drawn without replacement, in the order of the draw. */
  #candidates(scores: readonly Float32Array[]): Candidate[] {
    const { options, eosTokenIds } = this.#search;
    const base = this.#beams.map(({ score }) => score);
    // Each beam can end with every end-of-text token, and the group still needs a full set of beams that go on
    // (`beams_to_keep` in transformers).
    const count = Math.max(2, 1 + eosTokenIds.length) * this.#size;
    return options.do_sample
      ? this.#sampler.sample(scores, base, count, this.#random)
      : topCandidates(scores, base, count);
  }

  #extend(candidate: Candidate, scores: readonly Float32Array[]): Extension {
    const { row, token, score } = candidate;
    const chosen = { token, logprob: (scores[row] as Float32Array)[token] as number };
    const generated = withRawLogprobs(chosen, this.#search.rawLogprobs, this.#firstBeam + row);
    const hypothesis = (this.#beams[row] as Hypothesis).extended(generated, this.#firstBeam + row, score);
    return { ...candidate, hypothesis, reason: this.#search.stopping(hypothesis) };
  }

  /**
   * Adds ended hypotheses to the finished ones. Of several groups, an eager one that its ends have filled ignores the
   * beams that the length ends in the same step.
   */
  #finish(ended: readonly FinishedHypothesis[]): void {
    const isLength = ({ reason }: FinishedHypothesis) => reason === 'length';
    const rounds = this.#grouped ? [ended.filter((one) => !isLength(one)), ended.filter(isLength)] : [ended];
    for (const round of rounds) {
      if (!this.#improvable || this.#eager) return;
      const all = [...this.finished, ...round].sort((a, b) => b.score - a.score);
      this.finished = all.slice(0, this.#size);
    }
  }

  /**
   * Whether a beam could still beat the worst finished hypothesis. `early_stopping: false` guesses with the present
   * length; "never" takes the longest length where longer is better.
   * @param best the sum of the best beam that goes on; in several groups, of the best candidate, even if it has ended
   */
  #canImprove(best: number, step: number): boolean {
    const { early_stopping, length_penalty, max_new_tokens } = this.#search.options;
    if (this.finished.length < this.#size) return true;
    const length = early_stopping === 'never' && length_penalty > 0 ? max_new_tokens : step;
    return this.#normalized(best, length) > (this.finished.at(-1) as FinishedHypothesis).score;
  }

  /** score / length ** length_penalty, in float32 */
  #normalized(score: number, length: number): number {
    return Math.fround(score / Math.fround(length ** this.#search.options.length_penalty));
  }

  #beam({ row, token, score, hypothesis, reason }: Extension, index: number | null): Beam {
    const { logprob } = hypothesis.last;
    return {
      group: this.#index,
      index,
      token,
      parent: this.#firstBeam + row,
      logprob,
      score,
      finished: reason,
    };
  }
}
