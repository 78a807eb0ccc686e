/** @module Sets of characters as frames that read the bytes of one character in UTF-8. */
import type { Frame, Reading } from '../automaton/frame.ts';
import { type CharNode, CharNodes } from '../regular/char-node.ts';
import { ANY, type CodePoints, intersection, pairs } from '../regular/code-points.ts';
import { Kind } from '../regular/encodings.ts';
import { ByteSet } from './byte-set.ts';

const DONE: readonly Reading[] = [[]];
const NONE: readonly Reading[] = [];
/** What all characters of a set lead to. */
const WHOLE = 0;

/** Reads the bytes of a character of a set, or those after its first ones. */
export class CharacterFrame implements Frame {
  readonly isDone = false;
  readonly distance: number;
  readonly #node: CharNode;
  readonly #characters: Characters;

  /** Of `Characters` only. */
  constructor(node: CharNode, characters: Characters) {
    this.distance = node.distance(() => 0);
    this.#node = node;
    this.#characters = characters;
  }

  get bytes(): readonly number[] {
    return this.#node.bytes;
  }

  /** The same bytes, as a set. */
  get first(): ByteSet {
    const set = new ByteSet();
    for (const byte of this.#node.bytes) set.add(byte);
    return set;
  }

  step(byte: number): readonly Reading[] {
    const child = this.#node.after(byte);
    if (child === undefined) return NONE;
    return child === WHOLE ? DONE : [[this.#characters.frame(child as CharNode)]];
  }
}

/** Makes frames of sets of characters, equal ones once. */
export class Characters {
  readonly #nodes = new CharNodes();
  readonly #frames = new Map<CharNode, CharacterFrame>();

  /** @returns undefined if no character is in the set: surrogates are none */
  frameOf(set: CodePoints): CharacterFrame | undefined {
    const slices = [...pairs(intersection(ANY, set))].flatMap(([low, high]) => [low, high, WHOLE]);
    return slices.length === 0 ? undefined : this.frame(this.#nodes.get(Kind.text, slices));
  }

  frame(node: CharNode): CharacterFrame {
    let frame = this.#frames.get(node);
    if (!frame) {
      frame = new CharacterFrame(node, this);
      this.#frames.set(node, frame);
    }
    return frame;
  }
}
