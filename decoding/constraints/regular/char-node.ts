/** @module What may follow some bytes of a character, and which states the characters lead to. */
import { branchesOf, domainOf, jsonLength, Kind, sizeOf, utf8Length } from './encodings.ts';

/**
 * Characters and the states that they lead to, as a flat list `[low, high, state, …]`, ascending, neighbours with the
 * same state joined. Code points count from the first of the node.
 */
export type Slices = readonly number[];

/** After a byte: a node inside the character, the state after the whole character, or nothing. */
type Child = CharNode | number | undefined;

/** Nodes, each once: those for which the same follows are the same object. */
export class CharNodes {
  readonly #nodes = new Map<string, CharNode>();

  /** Numbers that the nodes keep, about. */
  get weight(): number {
    return 20 * this.#nodes.size;
  }

  get(kind: Kind, slices: Slices): CharNode {
    const key = `${kind}:${slices.join()}`;
    let node = this.#nodes.get(key);
    if (!node) {
      node = new CharNode(this, kind, slices);
      this.#nodes.set(key, node);
    }
    return node;
  }
}

/** A place in a character. */
export class CharNode {
  readonly kind: Kind;
  readonly slices: Slices;
  readonly #nodes: CharNodes;
  /** For each of `bytes`. */
  #children: Child[] | undefined;
  #bytes: number[] = [];

  /** Of `CharNodes` only. */
  constructor(nodes: CharNodes, kind: Kind, slices: Slices) {
    this.#nodes = nodes;
    this.kind = kind;
    this.slices = slices;
  }

  /** The bytes that may follow, ascending. */
  get bytes(): readonly number[] {
    this.#expand();
    return this.#bytes;
  }

  after(byte: number): Child {
    const children = this.#expand();
    let [low, high] = [0, children.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#bytes[middle] as number) < byte) low = middle + 1;
      else high = middle;
    }
    return this.#bytes[low] === byte ? children[low] : undefined;
  }

  /** Whether the characters of all ranges lead to the same state, or none of them to any. */
  treatsAlike(ranges: readonly (readonly [low: number, high: number])[]): boolean {
    const states = ranges.map(([low, high]) => {
      for (let i = 0; i < this.slices.length; i += 3) {
        if ((this.slices[i + 1] as number) < low) continue;
        const begin = this.slices[i] as number;
        if (begin > high) return undefined;
        const covers = begin <= low && (this.slices[i + 1] as number) >= high;
        return covers ? (this.slices[i + 2] as number) : Number.NaN;
      }
      return undefined;
    });
    return states.every((state) => state === states[0]);
  }

  /** The least number of bytes that complete a character and then the text. @param rest of the text after a state */
  distance(rest: (state: number) => number): number {
    let least = Infinity;
    for (let i = 0; i < this.slices.length; i += 3) {
      const bytes = bytesOf(this.kind, this.slices[i] as number, this.slices[i + 1] as number);
      least = Math.min(least, bytes + rest(this.slices[i + 2] as number));
    }
    return least;
  }

  #expand(): Child[] {
    if (this.#children) return this.#children;
    const children: Child[] = [];
    const bytes: number[] = [];
    for (const { byte, kind, offset, least } of branchesOf(this.kind)) {
      let child: Child;
      if (kind === undefined) child = this.#stateOf(offset);
      else {
        const slices = this.#within(kind, offset, least);
        if (slices.length > 0) child = this.#nodes.get(kind, slices);
      }
      if (child === undefined) continue;
      children.push(child);
      bytes.push(byte);
    }
    // Lists that grew have space for sixteen more, and there are thousands of them.
    this.#children = children.slice();
    this.#bytes = bytes.slice();
    return this.#children;
  }

  #stateOf(codePoint: number): number | undefined {
    const { slices } = this;
    const at = this.#sliceFrom(codePoint);
    return at < slices.length && (slices[at] as number) <= codePoint ? (slices[at + 2] as number) : undefined;
  }

  /** The first slice that does not end before a code point. */
  #sliceFrom(codePoint: number): number {
    let [low, high] = [0, this.slices.length / 3];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.slices[3 * middle + 1] as number) < codePoint) low = middle + 1;
      else high = middle;
    }
    return 3 * low;
  }

  #within(kind: Kind, offset: number, least: number): Slices {
    const [...ranges] = domainOf(kind) ?? [Math.max(offset, least), offset + sizeOf(kind) - 1];
    const own: number[] = [];
    for (let at = 0; at < ranges.length; at += 2) {
      const from = ranges[at] as number;
      const to = ranges[at + 1] as number;
      for (
        let i = this.#sliceFrom(from);
        i < this.slices.length && (this.slices[i] as number) <= to;
        i += 3
      ) {
        const low = Math.max(from, this.slices[i] as number);
        const high = Math.min(to, this.slices[i + 1] as number);
        own.push(low - offset, high - offset, this.slices[i + 2] as number);
      }
    }
    return own.slice();
  }
}

/** For kinds whose code points all take the same number of bytes. */
const BYTES: Partial<Record<Kind, number>> = {
  [Kind.utf1]: 1,
  [Kind.utf2]: 2,
  [Kind.utf3]: 3,
  [Kind.hex3]: 3,
  [Kind.hex2]: 2,
  [Kind.hex1]: 1,
  [Kind.high2]: 8,
  [Kind.high1]: 7,
  [Kind.low6]: 6,
  [Kind.low5]: 5,
  [Kind.low4]: 4,
  [Kind.low3]: 3,
};

/** The least number of bytes for one of the code points of a slice. */
function bytesOf(kind: Kind, low: number, high: number): number {
  const always = BYTES[kind];
  if (always !== undefined) return always;
  switch (kind) {
    case Kind.text:
      return utf8Length(low);
    case Kind.string:
      return leastJsonLength(low, high);
    case Kind.escape:
      if ([0x22, 0x5c, 0x2f, 0x08, 0x0c, 0x0a, 0x0d, 0x09].some((short) => low <= short && short <= high))
        return 1;
      return low < 0x10000 ? 5 : 11;
    case Kind.hex4:
      return low < 0x10000 ? 4 : 10;
    default:
      // hexD
      return low < 0x10000 ? 3 : 9;
  }
}

/** The least number of bytes in a JSON string for one of the code points from `low` to `high`. */
export function leastJsonLength(low: number, high: number): number {
  let least = jsonLength(low);
  // Beyond the controls the shortest is the first, but for the two that need an escape.
  for (let codePoint = low; codePoint <= Math.min(high, low + 0x24) && least > 1; codePoint++) {
    least = Math.min(least, jsonLength(codePoint));
  }
  return least;
}
