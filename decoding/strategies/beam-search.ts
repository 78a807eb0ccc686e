/**
 * @module Beam search, beam sampling and diverse beam search: all beams of a step are rows of one forward pass, and a
 * beam is a path in the tree.
 *
 * ## What can be told before the end
 *
 * A `token` event is sent for what every hypothesis that may still be returned first begins with. Those are the live
 * beams, of which all that will ever be added are continuations, and of the finished ones the best alone: a finished
 * score never changes, so whatever ranks below it now can only sink. So the common beginning of these grows and never
 * changes: a live beam's continuations begin as it does, beams that are dropped only make the set smaller, and a
 * hypothesis that finishes was a live beam's continuation. At the end the set is the answer alone, and the rest of it is
 * sent. Hence what was sent is always a beginning of the answer, and in the end the whole of it. Of several groups the
 * set is that of all of them; two may find the same token at different costs, and then it is not yet certain.
 *
 * ## Diverse beam search
 *
 * (Vijayakumar et al. 2016.) The beams of a step are chosen group by group, each group by a search of its own, and a
 * token costs a later group `diversity_penalty` for each beam of an earlier one that has just taken it.
 */

import { NoTokenLeftError } from '../interface/errors.ts';
import type { DecodedSequence, DecodingEvent } from '../interface/events.ts';
import { BeamGroup, type BeamSearch, type Finished } from './beam-group.ts';
import { advance, type Hypothesis } from './hypothesis.ts';

/** What the groups before have taken in this step, for `hammingDiversity`. */
export type TakenTokens = number[];

export async function* beamSearch(
  search: BeamSearch,
  taken: TakenTokens,
): AsyncGenerator<DecodingEvent, DecodedSequence[]> {
  const { tree, options } = search;
  const groups = Array.from(
    { length: options.num_beam_groups },
    (_, number) => new BeamGroup(search, number),
  );
  let told = 0;
  for (let step = 1; ; step++) {
    search.signal?.throwIfAborted();
    const previous = groups.flatMap(({ live }) => live);
    taken.length = 0;
    const beams = groups.flatMap((group) => {
      const front = group.step(step);
      taken.push(...group.taken);
      return front;
    });
    yield { type: 'beams', step, beams };

    const live = groups.flatMap((group) => group.live);
    const [best] = ranked(groups);
    const possible = [...live, ...(best ? [best.hypothesis] : [])];
    const certain = commonLength(possible);
    for (const generated of possible[0]?.generated.slice(told, certain) ?? []) {
      yield { type: 'token', sequence: 0, ...generated };
    }
    told = Math.max(told, certain);
    if (live.length === 0) break;
    // Again: the reader has had its events since.
    search.signal?.throwIfAborted();
    await advance(
      tree,
      previous,
      groups.flatMap(({ next }) => next),
    );
  }
  const returned = ranked(groups).slice(0, options.num_return_sequences);
  if (!returned[0]) throw new NoTokenLeftError();
  yield { type: 'finished', sequence: 0, reason: returned[0].reason };
  return returned.map(({ hypothesis, reason, score }) => hypothesis.decoded(reason, score));
}

/** The finished of all groups, best first. */
function ranked(groups: readonly BeamGroup[]): Finished[] {
  return groups.flatMap(({ finished }) => finished).sort((a, b) => b.score - a.score);
}

/** How many generated tokens, with their log-probabilities, all of them begin with. */
function commonLength(hypotheses: readonly Hypothesis[]): number {
  const [first, ...others] = hypotheses.map(({ generated }) => generated);
  if (!first) return 0;
  const end = first.findIndex(({ token, logprob }, i) =>
    others.some((other) => other[i]?.token !== token || other[i]?.logprob !== logprob),
  );
  return end < 0 ? first.length : end;
}
