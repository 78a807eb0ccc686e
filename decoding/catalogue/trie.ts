/** @module A catalogue in memory: the trie of its entries, read from the file where it lies. */
import { Bits, wordsFor } from './bits.ts';
import { CatalogueError } from './errors.ts';
import {
  DIGEST_BYTES,
  HAS_IDS,
  HAS_WEIGHTS,
  HEADER_WORDS,
  layoutOf,
  MAGIC,
  MAX_ENTRIES,
  type Sizes,
  tokenBytesOf,
  VERSION,
} from './format.ts';

/** The children of a node, in the order of their tokens. */
export interface Children {
  /** Ascending. */
  readonly tokens: ArrayLike<number>;
  /** The first child; the others have the numbers after it, unless they are listed. */
  readonly first: number;
  readonly listed?: readonly number[] | undefined;
}

/** The node of a child, by its place among its siblings. */
export const childAt = ({ first, listed }: Children, i: number): number =>
  listed ? (listed[i] as number) : first + i;

/** Of a depth: the number of its nodes, and of those with children. */
export interface TrieLevel {
  readonly nodes: number;
  readonly inner: number;
}

/** The tree that a search walks: a whole catalogue, or its entries that begin with a typed text. */
export interface Trie {
  /** Whether any entry is in it. */
  readonly isEmpty: boolean;
  readonly levels: readonly TrieLevel[];
  childrenOf(node: number): Children;
  isInner(node: number): boolean;
  /** The number of the entry that ends at a node, or -1. */
  entryAt(node: number): number;
  weightOf(entry: number): number;
  /** The largest weight of an entry below a node. */
  bestWeightBelow(node: number): number;
}

const UTF8 = new TextDecoder();
export const ROOT = 0;

export class Catalogue implements Trie {
  readonly vocabSize: number;
  /** SHA-256 of the file of the tokenizer whose tokens these are, in hexadecimal. */
  readonly tokenizer: string;
  /** Number of entries. */
  readonly size: number;
  /** Number of nodes without the root. */
  readonly nodes: number;
  /** Tokens of the longest entry. */
  readonly depth: number;
  /** By depth, from the root's, 0, on. */
  readonly levels: readonly TrieLevel[];
  /** All that it holds. */
  readonly bytes: number;
  readonly hasWeights: boolean;
  readonly isEmpty = false;
  readonly #tokens: Uint16Array | Uint32Array;
  readonly #last: Bits;
  readonly #inner: Bits;
  readonly #ends: Bits;
  readonly #lines: Uint32Array;
  readonly #offsets: Uint32Array;
  readonly #ids: Uint8Array;
  readonly #weights: Float32Array;
  /** `[nodes + 1]`, of a catalogue with weights. */
  readonly #bestWeights: Float32Array;

  private constructor(file: Uint8Array, sizes: Sizes, depth: number) {
    const { vocabSize, nodes, entries, hasIds, hasWeights, idBytes } = sizes;
    const { begins } = layoutOf(sizes);
    const { buffer, byteOffset } = file;
    const words = (begin: number, length: number) => new Uint32Array(buffer, byteOffset + begin, length);
    this.vocabSize = vocabSize;
    this.tokenizer = hexOf(file.subarray(HEADER_WORDS * 4, HEADER_WORDS * 4 + DIGEST_BYTES));
    this.size = entries;
    this.nodes = nodes;
    this.depth = depth;
    this.hasWeights = hasWeights;
    this.#tokens =
      tokenBytesOf(vocabSize) === 2
        ? new Uint16Array(buffer, byteOffset + begins.tokens, nodes)
        : words(begins.tokens, nodes);
    this.#last = new Bits(words(begins.last, wordsFor(nodes)));
    this.#inner = new Bits(words(begins.inner, wordsFor(nodes + 1)));
    this.#ends = new Bits(words(begins.ends, wordsFor(nodes + 1)));
    this.#lines = words(begins.lines, hasIds ? 0 : entries);
    this.#offsets = words(begins.offsets, hasIds ? entries + 1 : 0);
    this.#ids = file.subarray(begins.ids, begins.ids + idBytes);
    this.#weights = new Float32Array(buffer, byteOffset + begins.weights, hasWeights ? entries : 0);
    this.#checkShape();
    this.levels = this.#countLevels();
    this.#bestWeights = hasWeights ? this.#findBestWeights() : new Float32Array(0);
    const directories = [this.#last, this.#inner, this.#ends].reduce((sum, bits) => sum + bits.extraBytes, 0);
    this.bytes = file.byteLength + directories + this.#bestWeights.byteLength;
  }

  /**
   * @param file is kept, and begins at a multiple of 4 bytes of its buffer
   * @throws CatalogueError for a file that `buildCatalogue` has not written
   */
  static read(file: Uint8Array): Catalogue {
    if (file.byteLength < HEADER_WORDS * 4 + DIGEST_BYTES) throw new CatalogueError('it is no catalogue');
    const header = Array.from(new Uint32Array(file.buffer, file.byteOffset, HEADER_WORDS));
    const [magic, version, vocabSize = 0, nodes = 0, entries = 0, depth = 0, flags = 0, idBytes = 0] = header;
    if (magic !== MAGIC) throw new CatalogueError('it is no catalogue');
    if (version !== VERSION) {
      throw new CatalogueError(`it has version ${version} of the format, this is ${VERSION}`);
    }
    const hasIds = (flags & HAS_IDS) !== 0;
    const hasWeights = (flags & HAS_WEIGHTS) !== 0;
    const sizes = { vocabSize, nodes, entries, hasIds, hasWeights, idBytes };
    const { bytes } = layoutOf(sizes);
    if (bytes !== file.byteLength) {
      throw new CatalogueError(`it has ${file.byteLength} bytes, but its header says ${bytes}`);
    }
    if (entries === 0 || entries > MAX_ENTRIES) {
      throw new CatalogueError(`it has ${entries} entries, which must be from 1 to ${MAX_ENTRIES}`);
    }
    return new Catalogue(file, sizes, depth);
  }

  childrenOf(node: number): Children {
    const group = this.#inner.rank(node);
    const first = group === 0 ? 1 : this.#last.select(group - 1) + 2;
    const end = this.#last.next(first - 1) + 2;
    return { first, tokens: this.#tokens.subarray(first - 1, end - 1) };
  }

  isInner(node: number): boolean {
    return this.#inner.has(node);
  }

  entryAt(node: number): number {
    return this.#ends.has(node) ? this.#ends.rank(node) : -1;
  }

  weightOf(entry: number): number {
    return this.#weights[entry] ?? 0;
  }

  bestWeightBelow(node: number): number {
    return this.#bestWeights[node] ?? 0;
  }

  /** The id that the list gives an entry, or its place in the list, from 0. */
  idOf(entry: number): string | number {
    if (this.#offsets.length === 0) return this.#lines[entry] as number;
    return UTF8.decode(this.#ids.subarray(this.#offsets[entry], this.#offsets[entry + 1]));
  }

  /** The tokens of all entries, in the order of their numbers: for tests and tools. */
  *entries(): Generator<{ readonly entry: number; readonly tokens: readonly number[] }> {
    let level: { node: number; tokens: number[] }[] = [{ node: ROOT, tokens: [] }];
    while (level.length > 0) {
      const next: typeof level = [];
      for (const { node, tokens } of level) {
        const entry = this.entryAt(node);
        if (entry >= 0) yield { entry, tokens };
        if (!this.isInner(node)) continue;
        const children = this.childrenOf(node);
        for (let i = 0; i < children.tokens.length; i++) {
          next.push({ node: childAt(children, i), tokens: [...tokens, children.tokens[i] as number] });
        }
      }
      level = next;
    }
  }

  /** @throws CatalogueError if a walk could leave the trie, or meet a token that the vocabulary does not have */
  #checkShape(): void {
    const damaged = (what: string) => new CatalogueError(`it is damaged: ${what}`);
    if (!this.#inner.has(ROOT) || !this.#last.has(this.nodes - 1)) throw damaged('it has no root');
    if (this.#last.total !== this.#inner.total) throw damaged('its nodes and their children do not match');
    if (this.#ends.total !== this.size || this.#ends.has(ROOT)) throw damaged('its entries do not match');
    for (let node = 0; node <= this.nodes; node++) {
      if (!this.#inner.has(node) && !this.#ends.has(node)) throw damaged('a path ends without an entry');
    }
    if (this.#tokens.some((token) => token >= this.vocabSize)) throw damaged('a token is too large');
    if (this.#offsets.some((offset, i) => i > 0 && offset < (this.#offsets[i - 1] as number))) {
      throw damaged('its ids do not match');
    }
    if ((this.#offsets.at(-1) ?? 0) > this.#ids.length) throw damaged('its ids do not match');
    if (this.#weights.some((weight) => !Number.isFinite(weight))) throw damaged('a weight is no number');
  }

  #countLevels(): readonly TrieLevel[] {
    const levels: TrieLevel[] = [{ nodes: 1, inner: 1 }];
    let begin = 1;
    let innerBefore = 1;
    for (let groups = 1; groups > 0; ) {
      // A level ends with the last child of the last of its parents.
      const end = this.#last.select(innerBefore - 1) + 2;
      const innerUpTo = this.#inner.rank(end);
      groups = innerUpTo - innerBefore;
      levels.push({ nodes: end - begin, inner: groups });
      begin = end;
      innerBefore = innerUpTo;
      if (levels.length > this.depth + 1) break;
    }
    if (levels.length !== this.depth + 1 || begin !== this.nodes + 1) {
      throw new CatalogueError('it is damaged: its levels do not match');
    }
    return levels;
  }

  #findBestWeights(): Float32Array {
    const best = new Float32Array(this.nodes + 1);
    // From the last node to the root, so that children come before their parents.
    let child = this.nodes;
    for (let node = this.nodes; node >= 0; node--) {
      let largest = Number.NEGATIVE_INFINITY;
      if (this.isInner(node)) {
        do {
          const entry = this.entryAt(child);
          const own = entry < 0 ? Number.NEGATIVE_INFINITY : this.weightOf(entry);
          largest = Math.max(largest, own, best[child] as number);
          child--;
        } while (child > 0 && !this.#last.has(child - 1));
      }
      best[node] = largest;
    }
    return best;
  }
}

const hexOf = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
