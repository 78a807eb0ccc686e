/**
 * @module Unigram: of all ways to cut a piece into tokens, the one whose scores have the highest sum (Kudo 2018,
 * https://arxiv.org/abs/1804.10959), found as in SentencePiece's `EncodeOptimized`.
 */

import type { UnigramOptions } from '../format/model-options.ts';
import { byteTokens, haveByteTokens } from './byte-tokens.ts';
import type { Ids } from './ids.ts';
import type { TokenizerModel } from './model.ts';
import { NO_TOKEN, NOWHERE, type Trie } from './trie.ts';
import { UnencodableTextError } from './unencodable-text.ts';
import { characterLength, Utf8Buffer } from './utf8-buffer.ts';

/** An unknown character scores this much less than the least likely token. */
const UNKNOWN_PENALTY = 10;
/** Pieces of up to this many bytes share one workspace; a longer one allocates its own. */
const SHARED_BYTES = 4096;

/** Same ids as `Unigram` of Hugging Face's tokenizers, which sums in double precision as this does. */
export class Unigram implements TokenizerModel {
  readonly #trie: Trie;
  readonly #scores: Float64Array;
  readonly #unknown: number | null;
  readonly #bytes: Int32Array | undefined;
  readonly #unknownScore: number;
  readonly #text = new Utf8Buffer();
  readonly #shared = new Paths(SHARED_BYTES);

  /** @param scores `[tokens]`: logarithms of probabilities */
  constructor({ unknown, byteFallback }: UnigramOptions, trie: Trie, scores: Float64Array) {
    this.#trie = trie;
    this.#scores = scores;
    this.#unknown = unknown;
    this.#bytes = byteFallback ? byteTokens(trie) : undefined;
    this.#unknownScore = scores.reduce((least, score) => Math.min(least, score), Infinity) - UNKNOWN_PENALTY;
  }

  encode(piece: string, ids: Ids): void {
    const end = this.#text.write(piece);
    const { bytes } = this.#text;
    const paths = end <= SHARED_BYTES ? this.#shared : new Paths(end);
    this.#findPaths(bytes, end, paths, piece);
    // The best way, from its end to its beginning; then its tokens from the beginning on.
    let first = end;
    for (let at = end; at > 0; at = paths.starts[at] as number) {
      paths.nextEnds[paths.starts[at] as number] = at;
      first = paths.starts[at] as number;
    }
    for (let at = first; at < end; ) at = this.#append(bytes, at, end, paths, ids);
  }

  /** For each place in the text, the best way to it. */
  #findPaths(bytes: Uint8Array, end: number, { scores: best, starts, tokens }: Paths, piece: string): void {
    const [trie, scores, unknown] = [this.#trie, this.#scores, this.#unknown];
    starts.fill(NOWHERE, 0, end + 1);
    best[0] = 0;
    for (let start = 0; start < end; ) {
      const scoreHere = best[start] as number;
      const next = start + characterLength(bytes[start] as number);
      let hasCharacter = false;
      let place = trie.root;
      for (let i = start; i < end; ) {
        const node = trie.step(place, bytes[i] as number);
        if (node === NOWHERE) break;
        i++;
        place = trie.placeOf(node);
        const token = trie.tokenAt(node);
        if (token === NO_TOKEN) continue;
        const score = (scores[token] as number) + scoreHere;
        // Of equal ways, the one whose last token begins first.
        if (starts[i] === NOWHERE || score > (best[i] as number)) {
          best[i] = score;
          starts[i] = start;
          tokens[i] = token;
        }
        if (i === next) hasCharacter = true;
      }
      if (!hasCharacter) {
        const score = this.#unknownScore + scoreHere;
        if (starts[next] === NOWHERE || score > (best[next] as number)) {
          if (unknown === null) throw new UnencodableTextError(piece);
          best[next] = score;
          starts[next] = start;
          tokens[next] = unknown;
        }
      }
      start = next;
    }
  }

  /** Adds the token from `start` on; unknown characters beside each other are one. @returns the end */
  #append(bytes: Uint8Array, start: number, end: number, paths: Paths, ids: Ids): number {
    const { tokens, nextEnds } = paths;
    const unknown = this.#unknown;
    let stop = nextEnds[start] as number;
    const token = tokens[stop] as number;
    if (unknown === null || token !== unknown) {
      ids.push(token);
      return stop;
    }
    while (stop < end && tokens[nextEnds[stop] as number] === unknown) stop = nextEnds[stop] as number;
    // The unknown token's own name in the text is that token, even with byte fallback.
    const known = this.#trie.find(bytes, start, stop);
    if (known === NO_TOKEN && this.#bytes && haveByteTokens(this.#bytes, bytes, start, stop)) {
      for (let i = start; i < stop; i++) ids.push(this.#bytes[bytes[i] as number] as number);
    } else {
      ids.push(known === NO_TOKEN ? unknown : known);
    }
    return stop;
  }
}

/** The best ways to the places of a text of up to `length` bytes. */
class Paths {
  /** `[length + 1]`: the sum of the scores of the best way to each place. */
  readonly scores: Float64Array;
  /** `[length + 1]`: where the last token of that way begins, or `NOWHERE`. */
  readonly starts: Int32Array;
  /** `[length + 1]`: that token. */
  readonly tokens: Int32Array;
  /** `[length + 1]`: for a place on the best way to the end, the next one. */
  readonly nextEnds: Int32Array;

  constructor(length: number) {
    this.scores = new Float64Array(length + 1);
    this.starts = new Int32Array(length + 1);
    this.tokens = new Int32Array(length + 1);
    this.nextEnds = new Int32Array(length + 1);
  }
}
