/**
 * @module The least number of bytes of a text of each set of values that a schema can reach. A set without texts has
 * none: this decides which members and items can be written at all.
 */
import { ConstraintError } from '../automaton/errors.ts';
import type { Frame } from '../automaton/frame.ts';
import { ArrayPlan } from './array-plan.ts';
import type { NumberPiece } from './numbers.ts';
import { ANY_KEY, ObjectPlan } from './object-plan.ts';
import { numberFrames, stringFrame } from './scalar-frames.ts';
import { writtenShapes } from './some-members.ts';
import type { StringPiece } from './strings.ts';
import { OtherTextsReader } from './text-frames.ts';
import type { TextTrie } from './text-trie.ts';
import type { Algebra, ArrayShape, ObjectShape, ValueNode, ValueSet, WrittenShape } from './values.ts';
import { FALSE, NULL, TRUE } from './values.ts';

const NO_FRAMES: readonly Frame[] = [];

export class Analysis {
  readonly #nodes: Algebra;
  /** Whether a set contains itself. */
  #hasCycle = false;
  readonly #distances = new Map<ValueNode, number>();
  readonly #arrays = new Map<ArrayShape, ArrayPlan>();
  readonly #written = new Map<readonly ObjectShape[], readonly WrittenShape[]>();
  readonly #objects = new Map<WrittenShape, ObjectPlan>();
  readonly #numbers = new Map<readonly NumberPiece[], readonly Frame[]>();
  readonly #keys = new Map<string, Frame>();
  readonly #strings = new Map<StringPiece, Frame | undefined>();
  readonly distanceOf = (node: ValueNode): number => this.#distances.get(node) ?? Infinity;

  /** The same frame for the same reserved keys, so that alternatives share it. */
  readonly #keysWithout = (reserved: TextTrie): Frame => {
    if (reserved.texts.length === 0) return ANY_KEY;
    return known(
      this.#keys,
      JSON.stringify(reserved.texts),
      () => new OtherTextsReader(reserved, ANY_KEY).start,
    );
  };

  /** @throws ConstraintError if a set that `root` can reach cannot be held */
  constructor(root: ValueNode, nodes: Algebra) {
    this.#nodes = nodes;
    const order = this.#reach(root);
    // Children come first, so that only sets that contain themselves need more than one round.
    for (let changed = true; changed; changed &&= this.#hasCycle) {
      changed = false;
      for (const node of order) {
        nodes.budget.spendSteps();
        const distance = inPlace(node, () => this.#least(node.values));
        if (distance >= this.distanceOf(node)) continue;
        this.#distances.set(node, distance);
        changed = true;
      }
    }
  }

  arrayPlan(shape: ArrayShape): ArrayPlan {
    return known(this.#arrays, shape, () => new ArrayPlan(shape, this.#nodes));
  }

  /** The shapes in which the objects of some shapes are written. */
  objects(shapes: readonly ObjectShape[]): readonly WrittenShape[] {
    return known(this.#written, shapes, () => shapes.flatMap((shape) => writtenShapes(shape, this.#nodes)));
  }

  objectPlan(shape: WrittenShape): ObjectPlan {
    return known(this.#objects, shape, () => new ObjectPlan(shape, this.#nodes, this.#keysWithout));
  }

  /** Together they read the numbers of the pieces. */
  numbers(pieces: readonly NumberPiece[]): readonly Frame[] {
    return pieces.length === 0
      ? NO_FRAMES
      : known(this.#numbers, pieces, () => numberFrames(pieces, this.#nodes.budget));
  }

  /** Reads a string. @returns undefined if there is none */
  strings(piece: StringPiece): Frame | undefined {
    return known(this.#strings, piece, () => stringFrame(piece, this.#nodes.budget));
  }

  /** All sets in reach, those of members and items before those that have them, as far as there is such an order. */
  #reach(root: ValueNode): ValueNode[] {
    const order: ValueNode[] = [];
    const seen = new Set([root]);
    const done = new Set<ValueNode>();
    const waiting: { node: ValueNode; children: readonly ValueNode[]; next: number }[] = [];
    const enter = (node: ValueNode) => {
      const children = inPlace(node, () => this.#children(node.values));
      waiting.push({ node, children, next: 0 });
    };
    enter(root);
    for (let at = waiting.at(-1); at; at = waiting.at(-1)) {
      const child = at.children[at.next++];
      if (!child) {
        order.push(at.node);
        done.add(at.node);
        waiting.pop();
      } else if (!seen.has(child)) {
        seen.add(child);
        enter(child);
      } else if (!done.has(child)) this.#hasCycle = true;
    }
    return order;
  }

  #children({ arrays, objects }: ValueSet): ValueNode[] {
    return [
      ...arrays.flatMap((shape) => this.arrayPlan(shape).children),
      ...this.objects(objects).flatMap((shape) => this.objectPlan(shape).children),
    ];
  }

  #least({ constants, numbers, strings, arrays, objects }: ValueSet): number {
    let least = Infinity;
    if (constants & FALSE) least = 'false'.length;
    if (constants & (NULL | TRUE)) least = 'null'.length;
    for (const { distance } of this.numbers(numbers)) least = Math.min(least, distance);
    for (const piece of strings) least = Math.min(least, this.strings(piece)?.distance ?? Infinity);
    for (const shape of arrays) least = Math.min(least, this.arrayPlan(shape).least(this.distanceOf));
    for (const shape of this.objects(objects))
      least = Math.min(least, this.objectPlan(shape).least(this.distanceOf));
    return least;
  }
}

/** Numbers, strings and shapes do not know their place. */
function inPlace<T>({ place }: ValueNode, analyse: () => T): T {
  try {
    return analyse();
  } catch (error) {
    if (error instanceof ConstraintError && error.place === '')
      throw new ConstraintError(error.message, place);
    throw error;
  }
}

function known<K, V>(map: Map<K, V>, key: K, create: () => V): V {
  if (map.has(key)) return map.get(key) as V;
  const value = create();
  map.set(key, value);
  return value;
}
