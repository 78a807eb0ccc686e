/**
 * @module Beam search and beam sampling, as transformers 5.18.0 `GenerationMixin._beam_search`: all beams of a step are
 * rows of one forward pass, and a beam is a path in the tree.
 *
 * ## What can be told before the end
 *
 * A `token` event is sent for what every hypothesis that may still be returned first begins with. Those are the live
 * beams, of which all that will ever be added are continuations, and of the finished ones the best alone: a finished
 * score never changes, so whatever ranks below it now can only sink. So the common beginning of these grows and never
 * changes: a live beam's continuations begin as it does, beams that are dropped only make the set smaller, and a
 * hypothesis that finishes was a live beam's continuation. At the end the set is the answer alone, and the rest of it is
 * sent. Hence what was sent is always a beginning of the answer, and in the end the whole of it.
 */
import type { Beam, DecodedSequence, DecodingEvent, TokenLogprob } from './events.ts';
import type { Hypothesis } from './hypothesis.ts';
import type { ResolvedOptions } from './options.ts';
import type { LogitsProcessor } from './processor.ts';
import { logSoftmax } from './processors/log-softmax.ts';
import type { Random } from './random.ts';
import type { FinishReason, Stopping } from './stopping.ts';
import type { TokenTree } from './token-tree.ts';
import { type Candidate, likeliest, topCandidates } from './top-candidates.ts';

export interface BeamSearch {
  readonly tree: TokenTree;
  /** The prompt, evaluated. */
  readonly prompt: Hypothesis;
  /** Rows to work in, `num_beams` of them; the first has the logits after the prompt. */
  readonly rows: readonly Float32Array[];
  readonly options: ResolvedOptions;
  readonly eosCount: number;
  readonly processors: readonly LogitsProcessor[];
  readonly stopping: Stopping;
  readonly random: Random;
  readonly signal: AbortSignal | undefined;
}

interface Finished {
  readonly hypothesis: Hypothesis;
  readonly reason: FinishReason;
  readonly score: number;
}

export async function* beamSearch(search: BeamSearch): AsyncGenerator<DecodingEvent, DecodedSequence[]> {
  const { tree, rows, options, stopping } = search;
  const { num_beams, early_stopping } = options;
  const kept = Math.max(2, 1 + search.eosCount) * num_beams;
  let running = [search.prompt];
  let finished: Finished[] = [];
  let improvable = true;
  let told = 0;
  for (let step = 1; ; step++) {
    search.signal?.throwIfAborted();
    const scored = running.map((beam, i) => scoresOf(beam, rows[i] as Float32Array, search));
    const candidates = choose(search, scored, running, kept);
    const extended = candidates.map(({ row, token, score }) => {
      const { scores, top } = scored[row] as Scored;
      const generated = { token, logprob: scores[token] as number, ...(top && { top }) };
      return (running[row] as Hypothesis).extended(generated, score);
    });
    const reasons = extended.map(stopping);

    // What goes on: the best that have not ended. Candidates beyond the first num_beams are there to replace those.
    const going = candidates
      .map((candidate, i) => ({ candidate, i }))
      .filter(({ i }) => reasons[i] === null)
      .sort((a, b) => b.candidate.score - a.candidate.score)
      .slice(0, num_beams);
    // What has ended counts only if it ranks among the first num_beams.
    const ended = extended.slice(0, num_beams).flatMap((hypothesis, i): Finished[] => {
      const reason = reasons[i];
      return reason ? [{ hypothesis, reason, score: normalized(hypothesis.score, step, options) }] : [];
    });
    const full = finished.length === num_beams;
    if (improvable && !(full && early_stopping === true)) {
      finished = [...finished, ...ended].sort((a, b) => b.score - a.score).slice(0, num_beams);
    }
    const next = going.map(({ i }) => extended[i] as Hypothesis);
    const parents = going.map(({ candidate }) => running[candidate.row] as Hypothesis);
    yield { type: 'beams', step, beams: front(going, ended, extended, candidates) };

    improvable = improvable && canImprove(next[0], finished, step, search);
    const done =
      !improvable || next.length === 0 || (finished.length === num_beams && early_stopping === true);
    const possible = [...(done ? [] : next), ...(finished[0] ? [finished[0].hypothesis] : [])];
    const certain = commonLength(possible);
    for (const generated of possible[0]?.generated.slice(told, certain) ?? []) {
      yield { type: 'token', sequence: 0, ...generated };
    }
    told = Math.max(told, certain);
    if (done) break;
    // Again: the reader has had its events since.
    search.signal?.throwIfAborted();
    await advance(tree, running, parents, next, rows);
    running = next;
  }
  const best = finished.slice(0, options.num_return_sequences);
  if (best[0]) yield { type: 'finished', sequence: 0, reason: best[0].reason };
  return best.map(({ hypothesis, reason, score }) => ({
    tokens: hypothesis.generated.map(({ token }) => token),
    finish_reason: reason,
    score,
    token_logprobs: hypothesis.generated.map(({ logprob }) => logprob),
  }));
}

interface Scored {
  readonly scores: Float32Array;
  readonly top?: readonly TokenLogprob[];
}

/** Log-probabilities first and processors after them, as the reference has it in beam search. */
function scoresOf(beam: Hypothesis, row: Float32Array, { processors, options }: BeamSearch): Scored {
  logSoftmax(row);
  const top = options.logprobs ? likeliest(row, options.logprobs) : undefined;
  for (const process of processors) process(row, beam);
  return { scores: row, ...(top && { top }) };
}

/** The best candidates, or as many drawn without replacement, in the order of the draw. */
function choose(
  { options, random }: BeamSearch,
  scored: readonly Scored[],
  running: readonly Hypothesis[],
  count: number,
): Candidate[] {
  const scores = scored.map((one) => one.scores);
  const base = running.map(({ score }) => score);
  if (!options.do_sample) return topCandidates(scores, base, count);
  return drawCandidates(scores, base, count, random);
}

/**
 * Draws without replacement from softmax(base + scores): the largest of scores with Gumbel noise added, largest first
 * (Kool et al. 2019, "Stochastic Beams and Where to Find Them"), which is how `torch.multinomial` draws too.
 */
function drawCandidates(
  scores: readonly Float32Array[],
  base: readonly number[],
  count: number,
  random: Random,
): Candidate[] {
  const noisy = scores.map((row) =>
    row.map((score) =>
      score === Number.NEGATIVE_INFINITY ? score : score - Math.log(-Math.log(random() + 2 ** -33)),
    ),
  );
  return topCandidates(noisy, base, count).map(({ row, token }) => ({
    row,
    token,
    score: Math.fround((base[row] as number) + (scores[row]?.[token] as number)),
  }));
}

/** score / length ** length_penalty, in float32 */
function normalized(score: number, length: number, { length_penalty }: ResolvedOptions): number {
  return Math.fround(score / Math.fround(length ** length_penalty));
}

/**
 * Whether a live beam could still beat the worst of the finished. With `early_stopping: false` that is a guess that
 * takes the present length for the best one; "never" takes the longest where longer is better.
 */
function canImprove(
  best: Hypothesis | undefined,
  finished: readonly Finished[],
  step: number,
  { options }: BeamSearch,
): boolean {
  const { num_beams, early_stopping, length_penalty, max_new_tokens } = options;
  if (!best) return false;
  if (finished.length < num_beams) return true;
  const length = early_stopping === 'never' && length_penalty > 0 ? max_new_tokens : step;
  return normalized(best.score, length, options) > (finished.at(-1) as Finished).score;
}

/** The next step's beams take their places in the tree, those that nothing continues give theirs up. */
async function advance(
  tree: TokenTree,
  running: readonly Hypothesis[],
  parents: readonly Hypothesis[],
  next: readonly Hypothesis[],
  rows: readonly Float32Array[],
): Promise<void> {
  const evaluations = next.map((beam, i) => {
    const node = tree.append((parents[i] as Hypothesis).node, beam.last.token);
    beam.node = node;
    return { node, logits: rows[i] as Float32Array };
  });
  for (const { node } of running) if (node) tree.release(node);
  await tree.evaluate(evaluations);
}

/** The new front: what goes on, with the parents' numbers, and what ended with this step. */
function front(
  going: readonly { readonly candidate: Candidate; readonly i: number }[],
  ended: readonly Finished[],
  extended: readonly Hypothesis[],
  candidates: readonly Candidate[],
): Beam[] {
  const beam = (i: number, score: number, finished: FinishReason | null): Beam => {
    const { row, token } = candidates[i] as Candidate;
    return { token, parent: row, logprob: (extended[i] as Hypothesis).last.logprob, score, finished };
  };
  return [
    ...going.map(({ candidate, i }) => beam(i, candidate.score, null)),
    ...ended.map(({ hypothesis, reason, score }) => beam(extended.indexOf(hypothesis), score, reason)),
  ];
}

/** How many generated tokens all of them begin with. */
function commonLength(hypotheses: readonly Hypothesis[]): number {
  const [first, ...others] = hypotheses.map(({ generated }) => generated);
  if (!first) return 0;
  const end = first.findIndex(({ token }, i) => others.some((other) => other[i]?.token !== token));
  return end < 0 ? first.length : end;
}
