/**
 * @module Beam search, beam sampling and diverse beam search. A beam is a path in the token tree; all beams
 * of a step are rows of one forward pass.
 *
 * ## Streaming before the end
 *
 * Each step emits `token` events for the common prefix of all hypotheses that may still win. These are the
 * live beams, since every later hypothesis extends one of them, and the best finished hypothesis: finished
 * scores never change, so a worse one can never overtake it. The common prefix only grows: extensions keep
 * the prefix of their beam, dropped beams only shrink the set, and a newly finished hypothesis extends a live
 * beam. At the end the set contains only the answer, and the rest of it is emitted. So the emitted tokens are
 * always a prefix of the answer, and at the end all of it. With several groups the set spans all groups. Two
 * groups may choose the same token with different log-probabilities; it is not certain then.
 *
 * ## Diverse beam search
 *
 * Each group runs its own beam search (Vijayakumar et al. 2016). In each step the groups choose one after the
 * other, and a token costs a group `diversity_penalty` for each beam of an earlier group that chose it in
 * this step.
 */
import { NoTokenLeftError } from '../interface/errors.ts';
import type { DecodedSequence, DecodingEvent } from '../interface/events.ts';
import { seededRandom } from '../math/random.ts';
import { BeamGroup, type FinishedHypothesis } from './beam-group.ts';
import type { Hypothesis } from './hypothesis.ts';
import type { LiveHypothesis, Search, Strategy } from './search.ts';

export class BeamSearch implements Strategy {
  readonly #groups: readonly BeamGroup[];
  readonly #returnCount: number;
  #step = 0;
  #emitted = 0;

  constructor(search: Search) {
    const { num_beam_groups, num_return_sequences, seed } = search.options;
    const random = seededRandom(seed);
    this.#groups = Array.from({ length: num_beam_groups }, (_, i) => new BeamGroup(search, i, random));
    this.#returnCount = num_return_sequences;
  }

  get live(): readonly LiveHypothesis[] {
    return this.#groups.flatMap(({ live }) => live);
  }

  *step(): Generator<DecodingEvent, void, undefined> {
    const step = ++this.#step;
    const chosen: number[] = [];
    const beams = this.#groups.flatMap((group) => {
      const extended = group.step(step, chosen);
      chosen.push(...group.chosenTokens);
      return extended;
    });
    yield { type: 'beams', step, beams };

    const live = this.live.map(({ hypothesis }) => hypothesis);
    const [best] = this.#ranked;
    const candidates = best ? [...live, best.hypothesis] : live;
    const certain = commonPrefixLength(candidates, this.#emitted);
    for (const generated of candidates[0]?.generated(this.#emitted, certain) ?? []) {
      yield { type: 'token', sequence: 0, ...generated };
    }
    this.#emitted = Math.max(this.#emitted, certain);
    if (live.length > 0) return;
    if (!best) throw new NoTokenLeftError();
    yield { type: 'finished', sequence: 0, reason: best.hypothesis.finishReason(best.reason) };
  }

  get sequences(): readonly DecodedSequence[] {
    const returned = this.#ranked.slice(0, this.#returnCount);
    return returned.map(({ hypothesis, reason, score }) => hypothesis.toSequence(reason, score));
  }

  /** The finished hypotheses of all groups, best first. */
  get #ranked(): FinishedHypothesis[] {
    return this.#groups.flatMap(({ finished }) => finished).sort((a, b) => b.score - a.score);
  }
}

/**
 * The length of the common prefix of generated tokens; tokens with different log-probabilities differ.
 * @param from length of a prefix that is known to be common
 */
function commonPrefixLength([first, ...others]: readonly Hypothesis[], from: number): number {
  if (!first) return 0;
  let length = from;
  while (length < first.generatedLength && others.every((other) => first.agreesAt(length, other))) length++;
  return length;
}
