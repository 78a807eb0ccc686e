/**
 * @module The vocabulary as a trie of bytes. It is stored as the tokens in the order of their bytes: a node of the trie
 * is a range of this order, and its children are found by bisection or by reading along.
 */
import type { Automaton } from './automaton.ts';
import type { State } from './state.ts';

/** The bytes of tokens, as a tokenizer's tables have them: token i is bytes[offsets[i], offsets[i + 1]). */
export interface TokenTable {
  /** `[tokens + 1]` */
  readonly offsets: Uint32Array;
  readonly bytes: Uint8Array;
}

export interface SortedTokens {
  /** Tokens in the order of their bytes. Those without bytes and special ones are left out. */
  readonly order: Uint32Array;
  /** `[order.length]`: the number of bytes that each token has in common with the one before it, at most 255. */
  readonly shared: Uint8Array;
}

/** The tokens of the order from `from` up to `to`, which begin with the same `depth` bytes. */
export interface TrieNode {
  readonly from: number;
  readonly to: number;
  readonly depth: number;
}

/** What a walk meets. */
export interface Visitor {
  /** A token that may follow, and the state after it. */
  token(token: number, state: State): void;
  /** A beginning of longer tokens after which the state accepts. */
  accepted?(node: TrieNode): void;
}

const MAX_SHARED = 255;
const LETTER = 0x61;

/** @param isText whether a token is a part of texts; special tokens are not */
export function sortTokens({ offsets, bytes }: TokenTable, isText: (token: number) => boolean): SortedTokens {
  const bytesOf = (token: number) => bytes.subarray(offsets[token], offsets[token + 1]);
  const order = Uint32Array.from({ length: offsets.length - 1 }, (_, token) => token)
    .filter((token) => bytesOf(token).length > 0 && isText(token))
    .sort((a, b) => compareBytes(bytesOf(a), bytesOf(b)) || a - b);
  const shared = Uint8Array.from(order, (token, i) => {
    const before = i === 0 ? new Uint8Array() : bytesOf(order[i - 1] as number);
    const length = bytesOf(token).findIndex((byte, at) => byte !== before[at]);
    return Math.min(length < 0 ? bytesOf(token).length : length, MAX_SHARED);
  });
  return { order, shared };
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

export class Vocabulary {
  /** Bytes of the longest token. */
  readonly longest: number;
  readonly #order: Uint32Array;
  readonly #shared: Uint8Array;
  /** `[order.length]`: the number of bytes of each token before the ASCII letters at its end, at most 255. */
  readonly #letters: Uint8Array;
  /** `[order.length]`: bytes of each token, at most 255. */
  readonly #lengths: Uint8Array;
  readonly #offsets: Uint32Array;
  readonly #bytes: Uint8Array;

  /** Keeps views of the tables. */
  constructor({ offsets, bytes }: TokenTable, { order, shared }: SortedTokens) {
    this.#order = order;
    this.#shared = shared;
    this.#offsets = offsets;
    this.#bytes = bytes;
    this.#letters = Uint8Array.from(order, (token) => {
      const begin = offsets[token] as number;
      let end = offsets[token + 1] as number;
      while (end > begin && isLetter(bytes[end - 1] as number)) end--;
      return Math.min(end - begin, MAX_SHARED);
    });
    this.#lengths = Uint8Array.from(order, (_, i) => Math.min(this.#lengthAt(i), MAX_SHARED));
    this.longest = order.reduce((longest, _, i) => Math.max(longest, this.#lengthAt(i)), 0);
  }

  /**
   * @param tokenBytes the UTF-8 bytes of each token in a text, by id; none for special tokens. Each single byte must be a
   *   token, as in byte-level vocabularies
   */
  static of(tokenBytes: readonly Uint8Array[]): Vocabulary {
    const offsets = new Uint32Array(tokenBytes.length + 1);
    tokenBytes.forEach(({ length }, i) => {
      offsets[i + 1] = (offsets[i] as number) + length;
    });
    const bytes = new Uint8Array(offsets.at(-1) as number);
    tokenBytes.forEach((token, i) => {
      bytes.set(token, offsets[i]);
    });
    const table = { offsets, bytes };
    return new Vocabulary(
      table,
      sortTokens(table, () => true),
    );
  }

  /** Number of tokens in the tables. */
  get vocabSize(): number {
    return this.#offsets.length - 1;
  }

  /** All tokens. */
  get root(): TrieNode {
    return { from: 0, to: this.#order.length, depth: 0 };
  }

  /** The token's bytes in text, a view; none for ids beyond the tables. */
  bytesOf(token: number): Uint8Array {
    return this.#bytes.subarray(this.#offsets[token] ?? 0, this.#offsets[token + 1] ?? 0);
  }

  /** The bytes that the tokens of a node begin with, a view. */
  prefixOf({ from, depth }: TrieNode): Uint8Array {
    return this.bytesOf(this.#order[from] as number).subarray(0, depth);
  }

  /** Whether texts are made of the token: it has bytes, and is not special. */
  isText(token: number): boolean {
    const bytes = this.bytesOf(token);
    if (bytes.length === 0) return false;
    const { from, to } = this.#nodeOf(bytes);
    for (let i = from; i < to && this.#lengthAt(i) === bytes.length; i++) {
      if (this.#order[i] === token) return true;
    }
    return false;
  }

  /** Whether a token begins with these bytes and is longer. */
  isBeginning(bytes: ArrayLike<number>): boolean {
    const { from, to } = this.#nodeOf(bytes);
    // A token follows those that it begins with.
    return from < to && this.#lengthAt(to - 1) > bytes.length;
  }

  /** Visits the tokens of a node that are longer than the node's depth and that may follow there. */
  walk(automaton: Automaton, state: State, { from, to, depth }: TrieNode, visitor: Visitor): void {
    if (state.isFree) {
      for (let i = from; i < to; i++) visitor.token(this.#order[i] as number, state);
    } else if (state.isSparse) this.#walkBytes(automaton, state, from, to, depth, visitor);
    else this.#walkTokens(automaton, state, from, to, depth, visitor);
  }

  /** @returns the lengths of the tokens that `bytes` has from `start` on */
  prefixLengths(bytes: ArrayLike<number>, start: number): number[] {
    const lengths: number[] = [];
    let { from, to } = this.root;
    for (let depth = 0; start + depth < bytes.length; depth++) {
      const byte = bytes[start + depth] as number;
      from = this.#bisect(from, to, depth, byte);
      to = this.#bisect(from, to, depth, byte + 1);
      if (from === to) break;
      if (this.#lengthAt(from) === depth + 1) lengths.push(depth + 1);
    }
    return lengths;
  }

  /** @returns a token of these bytes; undefined if there is none */
  tokenOf(bytes: readonly number[]): number | undefined {
    const { from, to } = this.#nodeOf(bytes);
    return from < to && this.#lengthAt(from) === bytes.length ? this.#order[from] : undefined;
  }

  /** The tokens that begin with these bytes, shortest first. */
  #nodeOf(bytes: ArrayLike<number>): TrieNode {
    let { from, to } = this.root;
    for (let depth = 0; depth < bytes.length && from < to; depth++) {
      from = this.#bisect(from, to, depth, bytes[depth] as number);
      to = this.#bisect(from, to, depth, (bytes[depth] as number) + 1);
    }
    return { from, to, depth: bytes.length };
  }

  /** Looks for the tokens of each byte that may follow. */
  #walkBytes(
    automaton: Automaton,
    state: State,
    from: number,
    to: number,
    depth: number,
    visitor: Visitor,
  ): void {
    for (const byte of state.bytes) {
      const first = this.#bisect(from, to, depth, byte);
      const end = this.#bisect(first, to, depth, byte + 1);
      const next = first < end ? automaton.step(state, byte) : null;
      if (!next) continue;
      let longer = first;
      for (; longer < end && this.#lengthAt(longer) === depth + 1; longer++) {
        visitor.token(this.#order[longer] as number, next);
      }
      if (longer === end) continue;
      const node = { from: longer, to: end, depth: depth + 1 };
      if (next.accepts) visitor.accepted?.(node);
      this.walk(automaton, next, node, visitor);
    }
  }

  /** Reads the tokens in their order, each from where it differs from the one before it. */
  #walkTokens(
    automaton: Automaton,
    state: State,
    from: number,
    to: number,
    depth: number,
    visitor: Visitor,
  ): void {
    const [order, shared, letters, offsets, bytes] = [
      this.#order,
      this.#shared,
      this.#letters,
      this.#offsets,
      this.#bytes,
    ];
    // The state after each number of bytes of the last token, up to `last`.
    const states: State[] = [];
    states[depth] = state;
    let last = depth;
    for (let i = from; i < to; ) {
      let read = i === from ? depth : Math.min(shared[i] as number, last);
      let at = states[read] as State;
      last = read;
      if ((letters[i] as number) <= read && at.treatsLettersAlike) {
        const end = this.#walkLetters(automaton, at, i, to, read, visitor);
        if (end > i) {
          i = end;
          continue;
        }
      }
      const token = order[i] as number;
      const begin = offsets[token] as number;
      const length = (offsets[token + 1] as number) - begin;
      i++;
      while (read < length) {
        const next = automaton.step(at, bytes[begin + read] as number);
        read++;
        if (!next) {
          i = this.#endOf(i, to, read);
          break;
        }
        at = next;
        states[read] = at;
        last = read;
        const isWhole = read === length;
        if (isWhole) {
          visitor.token(token, at);
          // Tokens may have equal bytes.
          for (; i < to && shared[i] === length && this.#lengthAt(i) === length; i++) {
            visitor.token(order[i] as number, at);
          }
        }
        if (!at.accepts && !at.isSparse) continue;
        // What goes on from here is behind this token, or begins with it.
        const node = { from: isWhole ? i : i - 1, to: this.#endOf(i, to, read), depth: read };
        if (node.from === node.to) continue;
        if (at.accepts) visitor.accepted?.(node);
        if (!at.isSparse) continue;
        this.#walkBytes(automaton, at, node.from, node.to, read, visitor);
        i = node.to;
        break;
      }
    }
  }

  /**
   * Visits tokens from `first` on that have only letters behind `depth`, where it does not matter which they are.
   * @returns the end of the tokens that have been visited or cannot follow
   */
  #walkLetters(
    automaton: Automaton,
    state: State,
    first: number,
    to: number,
    depth: number,
    visitor: Visitor,
  ): number {
    const [order, shared, letters, lengths] = [this.#order, this.#shared, this.#letters, this.#lengths];
    const { states, isWhole } = lettersAfter(automaton, state);
    let i = first;
    do {
      const count = (lengths[i] as number) - depth;
      const after = states[count];
      if (after) visitor.token(order[i] as number, after);
      else if (!isWhole || count === 0 || lengths[i] === MAX_SHARED) return i;
      i++;
    } while (i < to && (shared[i] as number) >= depth && (letters[i] as number) <= depth);
    return i;
  }

  /** The end of the tokens from `i` on that have `depth` bytes in common with the one before. */
  #endOf(i: number, to: number, depth: number): number {
    let end = i;
    while (end < to && (this.#shared[end] as number) >= depth) end++;
    return end;
  }

  /** The first of the tokens of a node that has at least `byte` at `depth`. */
  #bisect(from: number, to: number, depth: number, byte: number): number {
    let [low, high] = [from, to];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#lengthAt(middle) > depth && this.#byteAt(middle, depth) >= byte) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #lengthAt(i: number): number {
    const token = this.#order[i] as number;
    return (this.#offsets[token + 1] as number) - (this.#offsets[token] as number);
  }

  #byteAt(i: number, depth: number): number {
    return this.#bytes[(this.#offsets[this.#order[i] as number] as number) + depth] as number;
  }
}

function isLetter(byte: number): boolean {
  return (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);
}

/** Letters in a row that are looked at. Few tokens have more. */
const MAX_LETTERS = 24;

/** The states after 1, 2, … ASCII letters, whichever they are. */
interface Letters {
  readonly states: readonly (State | undefined)[];
  /** Whether no more letters may follow. Else it may matter which they are, or the text may end between them. */
  readonly isWhole: boolean;
}

const NO_LETTERS: Letters = { states: [], isWhole: false };

function lettersAfter(automaton: Automaton, from: State): Letters {
  if (from.accepts) return NO_LETTERS;
  const states: (State | undefined)[] = [undefined];
  for (let state = from; states.length <= MAX_LETTERS; ) {
    if (!state.treatsLettersAlike) return { states, isWhole: false };
    const next = automaton.step(state, LETTER);
    if (!next) return { states, isWhole: true };
    if (next.accepts) return { states, isWhole: false };
    states.push(next);
    state = next;
  }
  return { states, isWhole: false };
}
