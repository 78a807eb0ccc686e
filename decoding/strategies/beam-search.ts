/**
 * @module Beam search, beam sampling and diverse beam search: all beams of a step are rows of one forward pass, and a
 * beam is a path in the tree.
 *
 * ## Tokens that stream before the end
 *
 * A `token` event is emitted for the common prefix of every hypothesis that may still be returned first. Those are the
 * live beams, since all later hypotheses continue them, and the best finished hypothesis: a finished score never changes,
 * so the hypotheses below it can only sink. The prefix grows and never changes: a live beam's continuations begin as the
 * beam does, dropped beams only make the set smaller, and a hypothesis that finishes was a live beam's continuation. At the
 * end the set is the answer alone, and the rest of it is emitted. So the emitted tokens are always a prefix of the answer,
 * and in the end the whole of it. With several groups the set spans all of them; two groups may find the same token at
 * different costs, and then the token is not yet certain.
 *
 * ## Diverse beam search
 *
 * (Vijayakumar et al. 2016.) The beams of a step are chosen group by group, each group by a search of its own, and a
 * token costs a later group `diversity_penalty` for each beam of an earlier group that has just chosen it.
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
    const certain = commonPrefixLength(candidates);
    for (const generated of candidates[0]?.generated.slice(this.#emitted, certain) ?? []) {
      yield { type: 'token', sequence: 0, ...generated };
    }
    this.#emitted = Math.max(this.#emitted, certain);
    if (live.length > 0) return;
    if (!best) throw new NoTokenLeftError();
    yield { type: 'finished', sequence: 0, reason: best.reason };
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

/** The number of generated tokens, log-probabilities included, that all hypotheses begin with. */
function commonPrefixLength(hypotheses: readonly Hypothesis[]): number {
  const [first, ...others] = hypotheses.map(({ generated }) => generated);
  if (!first) return 0;
  const end = first.findIndex(({ token, logprob }, i) =>
    others.some((other) => other[i]?.token !== token || other[i]?.logprob !== logprob),
  );
  return end < 0 ? first.length : end;
}
