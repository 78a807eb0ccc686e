/** @module The search of a catalogue by brute force: no trie, but the list itself, whose entries are compared one by one. */
import { logSoftmax } from '../../decoding/math/softmax.ts';

export interface BruteEntry {
  readonly tokens: readonly number[];
  readonly weight?: number | undefined;
}

export interface BruteSearch {
  /** No two have the same tokens. */
  readonly entries: readonly BruteEntry[];
  readonly prompt: readonly number[];
  readonly logitsAfter: (path: readonly number[]) => Float32Array;
  /** `catalogue_weight` */
  readonly factor: number;
}

export interface Ranked {
  readonly tokens: readonly number[];
  readonly score: number;
}

function logprobsAfter({ prompt, logitsAfter }: BruteSearch, tokens: readonly number[]): Float32Array {
  const row = logitsAfter([...prompt, ...tokens]).slice();
  logSoftmax(row);
  return row;
}

/** All entries, by the log-likelihood of their own tokens after the prompt. */
export function scoreAll(search: BruteSearch): Ranked[] {
  const scored = search.entries.map(({ tokens, weight = 0 }) => {
    const sum = tokens.reduce(
      (total, token, i) => total + (logprobsAfter(search, tokens.slice(0, i))[token] as number),
      0,
    );
    return { tokens, score: sum + search.factor * weight };
  });
  return scored.sort((a, b) => b.score - a.score);
}

/** Beam search over the beginnings of the entries. @returns the best `count` entries that the beams come by */
export function beamSearch(search: BruteSearch, beams: number, count: number): Ranked[] {
  const { entries, factor } = search;
  let live: { tokens: readonly number[]; sum: number }[] = [{ tokens: [], sum: 0 }];
  const found: Ranked[] = [];
  const begins = (tokens: readonly number[], beginning: readonly number[]) =>
    beginning.length <= tokens.length && beginning.every((token, i) => token === tokens[i]);
  while (live.length > 0) {
    const next: { tokens: readonly number[]; sum: number; rank: number }[] = [];
    for (const { tokens, sum } of live) {
      const logprobs = logprobsAfter(search, tokens);
      const below = entries.filter(
        (entry) => entry.tokens.length > tokens.length && begins(entry.tokens, tokens),
      );
      const followers = new Set(below.map((entry) => entry.tokens[tokens.length] as number));
      for (const token of [...followers].sort((a, b) => a - b)) {
        const path = [...tokens, token];
        const score = sum + (logprobs[token] as number);
        const beginning = below.filter((entry) => begins(entry.tokens, path));
        for (const { tokens: whole, weight = 0 } of beginning) {
          if (whole.length === path.length) found.push({ tokens: path, score: score + factor * weight });
        }
        const longer = beginning.filter((entry) => entry.tokens.length > path.length);
        if (longer.length === 0) continue;
        const best = Math.max(...longer.map(({ weight = 0 }) => weight));
        next.push({ tokens: path, sum: score, rank: score + factor * best });
      }
    }
    live = next.sort((a, b) => b.rank - a.rank).slice(0, beams);
  }
  return found.sort((a, b) => b.score - a.score).slice(0, count);
}
