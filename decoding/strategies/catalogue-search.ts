/**
 * @module Beam search over a catalogue: a beam is a node of its trie, and only the tokens that go on there follow it. The
 * score of an entry is the sum of its tokens' log-probabilities, over the whole vocabulary: to end costs nothing, so it
 * is the score of the entry's own tokens after the prompt. With `catalogue_weight`, that many times its weight is added.
 *
 * In each step every beam is extended by all its children. An entry that ends is set aside, with those that go on beyond
 * its end still in the race. The `num_beams` best nodes that have children go on. They rank by the score that an entry
 * below them can reach at most: their own, with the largest weight below. So with as many beams as entries none is missed.
 * A beam that cannot reach the worst of the entries to return is dropped, and so is the end of the search decided.
 */
import type { Children, Trie } from '../catalogue/trie.ts';
import { childAt, ROOT } from '../catalogue/trie.ts';
import { NoTokenLeftError } from '../interface/errors.ts';
import type { Beam, DecodedSequence, DecodingEvent, GeneratedToken } from '../interface/events.ts';
import type { GatheredLogits } from '../interface/logits-row.ts';
import { Best } from '../math/best.ts';
import { logarithm } from '../math/elementary.ts';
import { logSoftmax } from '../math/softmax.ts';
import type { Hypothesis } from './hypothesis.ts';
import type { LiveHypothesis, LogitsTarget, Search, Strategy } from './search.ts';

interface TrieBeam {
  readonly hypothesis: Hypothesis;
  /** The sum of its tokens' log-probabilities, in double precision. */
  readonly score: number;
  readonly children: Children;
}

/** A child of a beam. */
interface Extension {
  /** What it is compared by. */
  readonly rank: number;
  /** The sum of the log-probabilities. */
  readonly score: number;
  readonly node: number;
  readonly parent: TrieBeam;
  /** Index of the parent. */
  readonly beam: number;
  readonly token: number;
  readonly logprob: number;
  readonly step: number;
}

export class CatalogueSearch implements Strategy {
  readonly #search: Search;
  readonly #trie: Trie;
  /** The log-probabilities of each beam's children. */
  readonly #logprobs: Float32Array[] = [];
  /** Entries, by their whole scores. */
  readonly #ended: Best<Extension>;
  #beams: readonly TrieBeam[];
  #step = 0;

  constructor(search: Search, trie: Trie) {
    this.#search = search;
    this.#trie = trie;
    this.#ended = new Best(search.options.num_return_sequences);
    this.#beams = [{ hypothesis: search.prompt, score: 0, children: trie.childrenOf(ROOT) }];
  }

  get live(): readonly LiveHypothesis[] {
    return this.#beams.map(({ hypothesis, children }, i) => ({
      hypothesis,
      target: this.#target(children, i),
    }));
  }

  *step(): Generator<DecodingEvent, void, undefined> {
    this.#step++;
    const previous = this.#beams;
    const extended = this.#extend();
    const { least } = this.#ended;
    // No sum of log-probabilities rises.
    const live = extended.filter(({ rank }) => rank >= least);
    this.#beams = live.map((extension) => ({
      hypothesis: this.#hypothesisOf(extension),
      score: extension.score,
      children: this.#trie.childrenOf(extension.node),
    }));
    const ended = this.#ended.items.filter(({ step }) => step === this.#step);
    const toBeam = (extension: Extension, index: number | null) => beamOf(extension, previous, index);
    const beams = [
      ...live.map((extension, i) => toBeam(extension, i)),
      ...ended.map((extension) => toBeam(extension, null)),
    ];
    yield { type: 'beams', step: this.#step, beams };
    if (this.#beams.length > 0) return;
    const [best] = this.sequences;
    if (!best) throw new NoTokenLeftError();
    for (const [i, token] of best.tokens.entries()) {
      const logprob = best.token_logprobs[i] as number;
      const model = best.model_logprobs?.[i];
      yield { type: 'token', sequence: 0, token, logprob, ...(model && { model }) };
    }
    yield { type: 'finished', sequence: 0, reason: best.finish_reason };
  }

  get sequences(): readonly DecodedSequence[] {
    return this.#ended.items.map((extension) => ({
      ...this.#hypothesisOf(extension).toSequence('stop', extension.rank),
      catalogue_entry: this.#trie.entryAt(extension.node),
    }));
  }

  /** Adds the entries that end to `#ended`. @returns the best that go on */
  #extend(): readonly Extension[] {
    const trie = this.#trie;
    const { num_beams, catalogue_weight: factor } = this.#search.options;
    const best = new Best<Extension>(num_beams);
    for (const [beam, parent] of this.#beams.entries()) {
      const { children } = parent;
      const logprobs = this.#logprobsOf(children, beam);
      for (let i = 0; i < logprobs.length; i++) {
        const score = parent.score + (logprobs[i] as number);
        const node = childAt(children, i);
        const extend = (rank: number): Extension => ({
          ...{ rank, score, node, parent, beam, step: this.#step },
          token: children.tokens[i] as number,
          logprob: logprobs[i] as number,
        });
        const entry = trie.entryAt(node);
        if (entry >= 0) {
          const rank = score + factor * trie.weightOf(entry);
          if (this.#ended.accepts(rank)) this.#ended.add(extend(rank));
        }
        if (!trie.isInner(node)) continue;
        const rank = score + factor * trie.bestWeightBelow(node);
        if (best.accepts(rank)) best.add(extend(rank));
      }
    }
    return best.items;
  }

  #target(children: Children, i: number): LogitsTarget {
    const row = this.#search.rows?.[i];
    if (row) return { logits: row };
    const read = (gathered: GatheredLogits) => {
      this.#logprobs[i] = normalized(gathered);
    };
    return { gather: { tokens: children.tokens, read } };
  }

  #logprobsOf({ tokens }: Children, i: number): Float32Array {
    const row = this.#search.rows?.[i];
    if (!row) return this.#logprobs[i] as Float32Array;
    logSoftmax(row);
    return Float32Array.from({ length: tokens.length }, (_, child) => row[tokens[child] as number] as number);
  }

  #hypothesisOf({ parent, token, logprob, beam, score }: Extension): Hypothesis {
    const generated: GeneratedToken =
      this.#search.options.logprobs === undefined
        ? { token, logprob }
        : { token, logprob, model: { logprob, top: [] } };
    return parent.hypothesis.extended(generated, beam, score);
  }
}

/** The log-probabilities, in place of the logits. */
function normalized({ logits, largest, total }: GatheredLogits): Float32Array {
  const logTotal = logarithm(total);
  for (let i = 0; i < logits.length; i++) logits[i] = (logits[i] as number) - largest - logTotal;
  return logits;
}

function beamOf(extension: Extension, previous: readonly TrieBeam[], index: number | null): Beam {
  const { token, beam, logprob, score, rank } = extension;
  return {
    group: 0,
    index,
    token,
    parent: beam,
    logprob,
    score: index === null ? rank : score,
    finished: index === null ? 'stop' : null,
    allowed: previous[beam]?.children.tokens.length ?? 0,
  };
}
