/**
 * @module One group of beams and what it has finished: the rules of beam search. Plain beam search is one group.
 *
 * They are those of transformers 5.18.0 `GenerationMixin._beam_search`. Several groups are diverse beam search, which
 * transformers 5 has as the recipe `transformers-community/group-beam-search` over the `BeamSearchScorer` of 4.57; where
 * the two differ a group does as its own reference: see `#canImprove` and `#finish`.
 */

import type { Beam } from '../interface/events.ts';
import { logSoftmax } from '../math/log-softmax.ts';
import type { Random } from '../math/random.ts';
import { CandidateSampler } from '../math/sample-candidates.ts';
import { type Candidate, topCandidates } from '../math/top-candidates.ts';
import type { Hypothesis } from './hypothesis.ts';
import { withRawLogprobs } from './model-logprobs.ts';
import type { Search } from './search.ts';
import type { FinishReason } from './stopping.ts';

export interface BeamSearch extends Search {
  readonly eosTokenIds: readonly number[];
  readonly random: Random;
}

export interface Finished {
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
  readonly #search: BeamSearch;
  readonly #number: number;
  readonly #size: number;
  readonly #rows: readonly Float32Array[];
  /** The beams that go on, best first. */
  live: readonly Hypothesis[];
  /** Best first, at most as many as there are beams. */
  finished: readonly Finished[] = [];
  /** The tokens that go on in this step; when the group is done the padding that the reference goes on with. */
  taken: readonly number[] = [];
  #improvable = true;
  readonly #drawing = new CandidateSampler();

  /** @param number which of `num_beam_groups` */
  constructor(search: BeamSearch, number: number) {
    const { num_beams, num_beam_groups } = search.options;
    this.#search = search;
    this.#number = number;
    this.#size = num_beams / num_beam_groups;
    this.#rows = search.rows.slice(number * this.#size, (number + 1) * this.#size);
    this.#rows[0]?.set(search.rows[0] as Float32Array);
    this.live = [search.prompt];
  }

  /** The beams that go on with the rows that are to have their logits. */
  get next(): { readonly hypothesis: Hypothesis; readonly row: Float32Array }[] {
    return this.live.map((hypothesis, i) => ({ hypothesis, row: this.#rows[i] as Float32Array }));
  }

  /** Extends every beam by a token, of which the rows have the logits. Nothing goes on when the group is done. */
  step(step: number): Beam[] {
    if (this.live.length === 0) {
      this.taken = this.#search.eosTokenIds
        .slice(0, 1)
        .flatMap((padding) => Array<number>(this.#size).fill(padding));
      return [];
    }
    const scores = this.live.map((beam, i) => this.#scoresOf(beam, i));
    const extensions = this.#candidates(scores).map((candidate) => this.#extend(candidate, scores));
    // What goes on: the best that have not ended. Candidates beyond the group's size are there to replace those.
    const going = extensions
      .filter(({ reason }) => reason === null)
      .sort((a, b) => b.score - a.score)
      .slice(0, this.#size);
    // What has ended counts only if it ranks within the group's size.
    const ended = extensions.slice(0, this.#size).flatMap((extension): (Extension & Finished)[] => {
      const { hypothesis, reason } = extension;
      return reason ? [{ ...extension, reason, score: this.#normalized(hypothesis.score, step) }] : [];
    });
    this.#finish(ended);
    const best = this.#grouped ? extensions[0] : going[0];
    this.#improvable &&= best !== undefined && this.#canImprove(best.score, step);
    // Beams that the length ends were to go on: their tokens count for the other groups.
    const open = extensions.filter(({ reason }) => reason === null || reason === 'length');
    this.taken = open.slice(0, this.#size).map(({ token }) => token);
    const goesOn = this.#improvable && !this.#eager;
    this.live = goesOn ? going.map(({ hypothesis }) => hypothesis) : [];
    return [
      ...going.map((extension, i) => this.#beam(extension, goesOn ? this.#first + i : null)),
      ...ended.map((extension) => this.#beam(extension, null)),
    ];
  }

  get #grouped(): boolean {
    return this.#search.options.num_beam_groups > 1;
  }

  get #first(): number {
    return this.#number * this.#size;
  }

  /** Whether `early_stopping: true` has what it wants. */
  get #eager(): boolean {
    return this.finished.length === this.#size && this.#search.options.early_stopping === true;
  }

  /** Log-probabilities first and processors after them, as the reference has it in beam search. */
  #scoresOf(beam: Hypothesis, i: number): Float32Array {
    const row = this.#rows[i] as Float32Array;
    logSoftmax(row);
    this.#search.rawLogprobs?.keep(this.#first + i, row);
    for (const process of this.#search.processors) process(row, beam);
    return row;
  }

  /** The best, or as many drawn without replacement, in the order of the draw. */
  #candidates(scores: readonly Float32Array[]): Candidate[] {
    const { options, eosTokenIds, random } = this.#search;
    const base = this.live.map(({ score }) => score);
    const count = Math.max(2, 1 + eosTokenIds.length) * this.#size;
    return options.do_sample
      ? this.#drawing.draw(scores, base, count, random)
      : topCandidates(scores, base, count);
  }

  #extend(candidate: Candidate, scores: readonly Float32Array[]): Extension {
    const { row, token, score } = candidate;
    const chosen = { token, logprob: (scores[row] as Float32Array)[token] as number };
    const generated = withRawLogprobs(chosen, this.#search.rawLogprobs, this.#first + row);
    const hypothesis = (this.live[row] as Hypothesis).extended(generated, this.#first + row, score);
    return { ...candidate, hypothesis, reason: this.#search.stopping(hypothesis) };
  }

  /**
   * Takes what has ended among the finished. Of several groups an eager one that its ends have filled looks no more at
   * the beams that the length ends in the same step.
   */
  #finish(ended: readonly Finished[]): void {
    const ofLength = ({ reason }: Finished) => reason === 'length';
    const turns = this.#grouped ? [ended.filter((one) => !ofLength(one)), ended.filter(ofLength)] : [ended];
    for (const some of turns) {
      if (!this.#improvable || this.#eager) return;
      const all = [...this.finished, ...some].sort((a, b) => b.score - a.score);
      this.finished = all.slice(0, this.#size);
    }
  }

  /**
   * Whether a beam could still beat the worst of the finished. With `early_stopping: false` that is a guess that takes
   * the present length for the best one; "never" takes the longest where longer is better.
   * @param best the sum of the best beam that goes on; in several groups of the best candidate, though it has ended
   */
  #canImprove(best: number, step: number): boolean {
    const { early_stopping, length_penalty, max_new_tokens } = this.#search.options;
    if (this.finished.length < this.#size) return true;
    const length = early_stopping === 'never' && length_penalty > 0 ? max_new_tokens : step;
    return this.#normalized(best, length) > (this.finished.at(-1) as Finished).score;
  }

  /** score / length ** length_penalty, in float32 */
  #normalized(score: number, length: number): number {
    return Math.fround(score / Math.fround(length ** this.#search.options.length_penalty));
  }

  #beam({ row, token, score, hypothesis, reason }: Extension, index: number | null): Beam {
    const { logprob } = hypothesis.last;
    return { group: this.#number, index, token, parent: this.#first + row, logprob, score, finished: reason };
  }
}
