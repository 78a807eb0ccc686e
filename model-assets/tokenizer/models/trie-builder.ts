/** @module Builds the double-array trie of a vocabulary (`tokenizer/models/trie.ts`). */
import { labelOf } from '../../../tokenizer/models/trie.ts';
import { fail } from '../files/folder.ts';

const LABELS = 256;
/** Children are placed into free units among the last ones. Further back nearly all are taken. */
const SEARCHED_UNITS = 16 * LABELS;
/** Offsets up to here have an exact form in a unit. */
const MAX_UNITS = 2 ** 21;
const HAS_TOKEN = 1 << 8;
const TOKEN = 0x80000000;
const OFFSET_SHIFT = 10;
const NONE = -1;

/** A token and its UTF-8. */
export interface TrieEntry {
  readonly bytes: Uint8Array;
  readonly id: number;
}

/** A node whose children are to be placed: the entries `[from, to)` begin with the same `depth` bytes. */
interface Node {
  readonly index: number;
  readonly from: number;
  readonly to: number;
  readonly depth: number;
}

/**
 * The trie of the entries; those without bytes are left out. Of equal ones, the last is found. Deterministic.
 * @throws CheckpointError if the vocabulary is too large for the format
 */
export function buildTrie(entries: readonly TrieEntry[]): Uint32Array<ArrayBuffer> {
  const sorted = entries
    .filter(({ bytes }) => bytes.length > 0)
    .map(({ bytes, id }) => ({ labels: bytes.includes(0) ? bytes.map(labelOf) : bytes, id }))
    .sort((a, b) => Buffer.compare(a.labels, b.labels)); // stable: equal ones stay in their order
  const units = new Units();
  const pending: Node[] = [{ index: 0, from: 0, to: sorted.length, depth: 0 }];
  for (let node = pending.pop(); node; node = pending.pop()) {
    const { index, from, to, depth } = node;
    let first = from;
    let token: number | undefined;
    while (first < to && sorted[first]?.labels.length === depth) token = sorted[first++]?.id;
    const groups = groupsOf(sorted, first, to, depth);
    const labels = groups.map(({ label }) => label);
    const offset = units.place(index, token === undefined ? labels : [0, ...labels]);
    if (token !== undefined) {
      units.words[index] = (units.words[index] as number) | HAS_TOKEN;
      units.words[offset] = TOKEN | token;
    }
    for (const group of groups) {
      units.words[offset ^ group.label] = group.label;
      pending.push({ index: offset ^ group.label, from: group.from, to: group.to, depth: depth + 1 });
    }
  }
  return units.words.slice(0, units.length);
}

/** The entries `[from, to)` by their label at `depth`. */
function groupsOf(
  sorted: readonly { readonly labels: Uint8Array }[],
  from: number,
  to: number,
  depth: number,
): { label: number; from: number; to: number }[] {
  const groups: { label: number; from: number; to: number }[] = [];
  for (let i = from; i < to; i++) {
    const label = sorted[i]?.labels[depth] as number; // the entries are longer than `depth`
    const last = groups.at(-1);
    if (last?.label === label) last.to = i + 1;
    else groups.push({ label, from: i, to: i + 1 });
  }
  return groups;
}

/** The units, which grow by blocks of one per label, so that an offset's children are all in one block. */
class Units {
  words = new Uint32Array(LABELS);
  length = 0;
  #isTaken = new Uint8Array(LABELS);
  /** An offset belongs to one node, or another node's children would be taken for its own. */
  #isOffset = new Uint8Array(LABELS);
  /** The free units of the last blocks: a list in both directions, from `#first` on, that ends with `NONE`. */
  #next = new Int32Array(LABELS);
  #previous = new Int32Array(LABELS);
  #first = NONE;
  #last = NONE;

  constructor() {
    this.#addBlock();
    this.#take(0); // the root
    this.#isOffset[0] = 1;
  }

  /** Takes units for the children of the node `index`, and writes their offset. @returns their index for the label 0 */
  place(index: number, labels: readonly number[]): number {
    if (labels.length === 0) return 0; // an empty trie: the root has no children
    const base = this.#findFree(labels);
    this.#isOffset[base] = 1;
    for (const label of labels) this.#take(base ^ label);
    const unit = this.words[index] as number;
    this.words[index] = unit | ((index ^ base) << OFFSET_SHIFT);
    return base;
  }

  #findFree(labels: readonly number[]): number {
    const label = labels[0] as number; // there is one
    for (let unit = this.#first; unit !== NONE; unit = this.#next[unit] as number) {
      const base = unit ^ label;
      if (this.#isOffset[base] === 0 && this.#areFree(base, labels)) return base;
    }
    return this.#addBlock();
  }

  #areFree(base: number, labels: readonly number[]): boolean {
    for (let i = 1; i < labels.length; i++) {
      if (this.#isTaken[base ^ (labels[i] as number)] === 1) return false;
    }
    return true;
  }

  #take(unit: number): void {
    this.#isTaken[unit] = 1;
    this.#unlink(unit);
  }

  #unlink(unit: number): void {
    const [next, previous] = [this.#next[unit] as number, this.#previous[unit] as number];
    if (previous === NONE) this.#first = next;
    else this.#next[previous] = next;
    if (next === NONE) this.#last = previous;
    else this.#previous[next] = previous;
  }

  /** @returns the first of the new units, all free */
  #addBlock(): number {
    const begin = this.length;
    this.length += LABELS;
    if (this.length > MAX_UNITS) {
      fail('the vocabulary', `needs more than ${MAX_UNITS} nodes of a trie`);
    }
    if (this.length > this.words.length) this.#grow();
    for (let unit = begin; unit < this.length; unit++) {
      this.#previous[unit] = this.#last;
      this.#next[unit] = NONE;
      if (this.#last === NONE) this.#first = unit;
      else this.#next[this.#last] = unit;
      this.#last = unit;
    }
    // The units of a block that is too far back are looked at no more.
    while (this.#first < this.length - SEARCHED_UNITS) this.#unlink(this.#first);
    return begin;
  }

  #grow(): void {
    const capacity = 2 * this.words.length;
    this.words = copy(this.words, new Uint32Array(capacity));
    this.#isTaken = copy(this.#isTaken, new Uint8Array(capacity));
    this.#isOffset = copy(this.#isOffset, new Uint8Array(capacity));
    this.#next = copy(this.#next, new Int32Array(capacity));
    this.#previous = copy(this.#previous, new Int32Array(capacity));
  }
}

function copy<Words extends Uint8Array | Int32Array | Uint32Array>(from: Words, to: Words): Words {
  to.set(from);
  return to;
}
