/**
 * @module Some texts as a trie of characters, read as bytes of a JSON string in any spelling. Its nodes are made when
 * they are first reached.
 */
import { type CharNode, CharNodes } from '../regular/char-node.ts';
import { jsonLength, Kind } from '../regular/encodings.ts';

const NONE = -1;

/** A place in the trie: between characters, or inside one. The same place of a trie is the same object. */
export interface TriePlace {
  /** The text that ends here, as an index; -1 for none. */
  readonly ending: number;
  /** The only text that goes on here or ends, as an index; -1 if there are several. */
  readonly only: number;
  /** The bytes of characters that may follow, ascending. The quote at the end is not among them. */
  readonly bytes: readonly number[];
  /** @returns undefined if no text goes on with the byte */
  after(byte: number): TriePlace | undefined;
  /** Whether one of the texts from here on satisfies the predicate. */
  some(predicate: (text: number) => boolean): boolean;
  /** The least bytes up to the end of a text, without the quote. */
  readonly shortest: number;
  /** The least of the bytes up to the end of a text, without the quote, and what `rest` adds for the text. */
  least(rest: (text: number) => number): number;
}

export class TextTrie {
  /** Sorted, each once, without those that no JSON text can hold: lone surrogates. */
  readonly texts: readonly string[];
  readonly #chars = new CharNodes();
  readonly #nodes: TrieNode[] = [];
  readonly #inside = new Map<CharNode, InsidePlace>();
  readonly #lengths: number[] = [];

  constructor(texts: Iterable<string>) {
    this.texts = [...new Set(texts)].filter((text) => text.isWellFormed()).sort();
    this.#nodes.push(new TrieNode(this, 0, this.texts.length, 0, 0));
  }

  /** Bytes of the longest text in its shortest spelling. */
  get longest(): number {
    return this.texts.reduce((longest, _, text) => Math.max(longest, this.bytesOf(text)), 0);
  }

  /** The place before the first character. */
  get start(): TriePlace {
    return this.#nodes[0] as TrieNode;
  }

  /** Bytes of a text in its shortest spelling, without quotes. */
  bytesOf(text: number): number {
    this.#lengths[text] ??= jsonBytes(this.texts[text] as string);
    return this.#lengths[text];
  }

  /** The characters that follow the texts from `from` up to `to` after `depth` code units and `bytes` bytes, and the nodes after them. */
  expand(from: number, to: number, depth: number, bytes: number): CharNode {
    const children: [codePoint: number, node: number][] = [];
    for (let i = from; i < to; ) {
      const codePoint = (this.texts[i] as string).codePointAt(depth);
      let end = i + 1;
      while (end < to && (this.texts[end] as string).codePointAt(depth) === codePoint) end++;
      if (codePoint !== undefined) {
        const length = codePoint > 0xffff ? 2 : 1;
        const node = new TrieNode(this, i, end, depth + length, bytes + jsonLength(codePoint));
        children.push([codePoint, this.#nodes.push(node) - 1]);
      }
      i = end;
    }
    children.sort((a, b) => a[0] - b[0]);
    const slices = children.flatMap(([codePoint, node]) => [codePoint, codePoint, node]);
    return this.#chars.get(Kind.string, slices.slice());
  }

  /** The place that a character leads to. */
  placeOf(child: CharNode | number | undefined): TriePlace | undefined {
    if (child === undefined) return undefined;
    if (typeof child === 'number') return this.node(child);
    let place = this.#inside.get(child);
    if (!place) {
      place = new InsidePlace(this, child);
      this.#inside.set(child, place);
    }
    return place;
  }

  node(id: number): TriePlace {
    return this.#nodes[id] as TrieNode;
  }
}

/** Between characters: the texts from `from` up to `to` begin with the same `depth` code units. */
class TrieNode implements TriePlace {
  readonly ending: number;
  readonly only: number;
  readonly #trie: TextTrie;
  readonly #from: number;
  readonly #to: number;
  readonly #depth: number;
  #chars: CharNode | undefined;
  #shortest: number | undefined;
  /** Of what the texts have in common, in its shortest spelling. */
  readonly #prefixBytes: number;

  constructor(trie: TextTrie, from: number, to: number, depth: number, prefixBytes: number) {
    this.#trie = trie;
    this.#from = from;
    this.#to = to;
    this.#depth = depth;
    this.#prefixBytes = prefixBytes;
    this.only = from + 1 === to ? from : NONE;
    // The shortest text is the first.
    this.ending = from < to && trie.texts[from]?.length === depth ? from : NONE;
  }

  get bytes(): readonly number[] {
    return this.#expanded().bytes;
  }

  get shortest(): number {
    this.#shortest ??= this.least(() => 0);
    return this.#shortest;
  }

  after(byte: number): TriePlace | undefined {
    return this.#trie.placeOf(this.#expanded().after(byte));
  }

  some(predicate: (text: number) => boolean): boolean {
    for (let text = this.#from; text < this.#to; text++) if (predicate(text)) return true;
    return false;
  }

  least(rest: (text: number) => number): number {
    let least = Infinity;
    for (let text = this.#from; text < this.#to; text++) {
      least = Math.min(least, this.#trie.bytesOf(text) + rest(text));
    }
    return least - this.#prefixBytes;
  }

  #expanded(): CharNode {
    this.#chars ??= this.#trie.expand(this.#from, this.#to, this.#depth, this.#prefixBytes);
    return this.#chars;
  }
}

class InsidePlace implements TriePlace {
  readonly ending = NONE;
  readonly only: number;
  readonly #trie: TextTrie;
  readonly #char: CharNode;

  constructor(trie: TextTrie, char: CharNode) {
    this.#trie = trie;
    this.#char = char;
    const { slices } = char;
    // Equal characters lead to one node.
    this.only = slices.length === 3 ? trie.node(slices[2] as number).only : NONE;
  }

  get bytes(): readonly number[] {
    return this.#char.bytes;
  }

  get shortest(): number {
    return this.#char.distance((node) => this.#trie.node(node).shortest);
  }

  after(byte: number): TriePlace | undefined {
    return this.#trie.placeOf(this.#char.after(byte));
  }

  some(predicate: (text: number) => boolean): boolean {
    const { slices } = this.#char;
    for (let i = 2; i < slices.length; i += 3) {
      if (this.#trie.node(slices[i] as number).some(predicate)) return true;
    }
    return false;
  }

  least(rest: (text: number) => number): number {
    return this.#char.distance((node) => this.#trie.node(node).least(rest));
  }
}

/** Bytes of a text in its shortest spelling, without quotes. */
export function jsonBytes(text: string): number {
  let bytes = 0;
  for (const character of text) bytes += jsonLength(character.codePointAt(0) as number);
  return bytes;
}
