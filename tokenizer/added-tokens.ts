/** @module Finds added tokens in a text, as the reference's `AddedVocabulary` does. */
import type { AddedToken } from './format/description.ts';

/** What a text consists of. */
export interface TextParts {
  /** A part without added tokens, never empty. */
  text(start: number, end: number): void;
  token(token: AddedToken): void;
}

/** `\w` and `\s` of the reference's regular expressions. */
const WORD = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]/u;
const WHITE_SPACE = /\p{White_Space}/u;

const ROOT = 0;
const NO_NODE = -1;
/** A key of the trie is `node * UNITS + code unit`. */
const UNITS = 0x10000;

/**
 * Matches are leftmost, and the longest of several at one index. A trie over UTF-16, because a text that consists of
 * the beginnings of a thousand tokens must not take a thousand times as long.
 */
export class AddedTokenFinder {
  /** Hash table of the trie's edges. An empty slot has the key -1. */
  readonly #keys: Float64Array;
  readonly #nodes: Int32Array;
  /** The token that ends at a node. */
  readonly #tokens: (AddedToken | undefined)[] = [undefined];
  /** Finds a code unit that a token begins with; undefined: there are no tokens. */
  readonly #first: RegExp | undefined;

  /** @param tokens with the content to look for; of several equal ones, the last counts */
  constructor(tokens: readonly (readonly [content: string, token: AddedToken])[]) {
    const units = tokens.reduce((sum, [content]) => sum + content.length, 0);
    const capacity = 2 ** Math.ceil(Math.log2(2 * units + 2));
    this.#keys = new Float64Array(capacity).fill(-1);
    this.#nodes = new Int32Array(capacity);
    for (const [content, token] of tokens) this.#add(content, token);
    const first = new Set(tokens.flatMap(([content]) => (content === '' ? [] : [content.charCodeAt(0)])));
    const escapes = Array.from(first, (unit) => `\\u${unit.toString(16).padStart(4, '0')}`);
    // Without the flag `u`, so that it reads code units.
    if (escapes.length > 0) this.#first = new RegExp(`[${escapes.join('')}]`, 'g');
  }

  #add(content: string, token: AddedToken): void {
    if (content === '') return;
    let node = ROOT;
    for (let i = 0; i < content.length; i++) {
      const key = node * UNITS + content.charCodeAt(i);
      const slot = this.#slot(key);
      if (this.#keys[slot] === -1) {
        this.#keys[slot] = key;
        this.#nodes[slot] = this.#tokens.push(undefined) - 1;
      }
      node = this.#nodes[slot] as number;
    }
    this.#tokens[node] = token;
  }

  /** @param splitSpecial whether special tokens are text like other text */
  scan(text: string, splitSpecial: boolean, parts: TextParts): void {
    let done = 0;
    for (let i = this.#nextFirst(text, 0); i < text.length; ) {
      const token = this.#longestAt(text, i);
      if (!token) {
        i = this.#nextFirst(text, i + 1);
        continue;
      }
      let [start, end] = [i, i + token.length];
      // A token that does not count hides those inside it, as in the reference.
      i = this.#nextFirst(text, end);
      const { lstrip, rstrip, singleWord, special } = token.token;
      if (special && splitSpecial) continue;
      if (singleWord && (isWordBefore(text, start) || isWordAt(text, end))) continue;
      if (lstrip) while (start > done && WHITE_SPACE.test(text[start - 1] as string)) start--;
      if (rstrip) while (end < text.length && WHITE_SPACE.test(text[end] as string)) end++;
      if (start > done) parts.text(done, start);
      parts.token(token.token);
      done = end;
    }
    if (done < text.length) parts.text(done, text.length);
  }

  /** The index of the next code unit that a token begins with, or the text's length. */
  #nextFirst(text: string, from: number): number {
    if (!this.#first) return text.length;
    this.#first.lastIndex = from;
    return this.#first.test(text) ? this.#first.lastIndex - 1 : text.length;
  }

  #longestAt(
    text: string,
    start: number,
  ): { readonly token: AddedToken; readonly length: number } | undefined {
    let longest: { token: AddedToken; length: number } | undefined;
    let node = ROOT;
    for (let i = start; i < text.length; i++) {
      const slot = this.#slot(node * UNITS + text.charCodeAt(i));
      node = this.#keys[slot] === -1 ? NO_NODE : (this.#nodes[slot] as number);
      if (node === NO_NODE) break;
      const token = this.#tokens[node];
      if (token) longest = { token, length: i + 1 - start };
    }
    return longest;
  }

  /** The key's slot, or the empty slot that ends its probe sequence. */
  #slot(key: number): number {
    const mask = this.#keys.length - 1;
    let slot = (Math.imul(key, 0x9e3779b1) ^ Math.imul(key / UNITS, 0x85ebca6b)) & mask;
    while (this.#keys[slot] !== -1 && this.#keys[slot] !== key) slot = (slot + 1) & mask;
    return slot;
  }
}

function isWordAt(text: string, index: number): boolean {
  const codePoint = text.codePointAt(index);
  return codePoint !== undefined && WORD.test(String.fromCodePoint(codePoint));
}

function isWordBefore(text: string, index: number): boolean {
  const isPair = /[\udc00-\udfff]/.test(text[index - 1] ?? '');
  return index > 0 && isWordAt(text, index - (isPair ? 2 : 1));
}
