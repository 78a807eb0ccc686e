/** @module Whether a set of values is empty, as far as this can be shown from its upper levels. */
import { IMPOSSIBLE, SelfReferenceError } from './node.ts';
import { memberOf } from './shapes.ts';
import type { Algebra, ArrayShape, ObjectShape, ValueNode } from './values.ts';

/** Branches of `oneOf` are told apart by a member, or by a member of a member, rarely deeper. */
const MAX_DEPTH = 4;

/** Whether no value is in both sets. False also if it cannot be shown. */
export function isDisjoint(a: ValueNode, b: ValueNode, nodes: Algebra): boolean {
  try {
    return isEmpty(nodes.and([a, b]), nodes, MAX_DEPTH);
  } catch (error) {
    // It depends on the set that is being computed.
    if (error instanceof SelfReferenceError) return false;
    throw error;
  }
}

function isEmpty(node: ValueNode, nodes: Algebra, depth: number): boolean {
  if (node === IMPOSSIBLE) return true;
  if (depth === 0) return false;
  nodes.budget.spendSteps();
  const { constants, numbers, strings, arrays, objects } = node.values;
  if (constants !== 0 || numbers.length > 0) return false;
  if (strings.some((piece) => piece.texts || !piece.language?.isEmpty)) return false;
  return (
    arrays.every((shape) => isEmptyArray(shape, nodes, depth)) &&
    objects.every((shape) => isEmptyObject(shape, nodes, depth))
  );
}

function isEmptyArray({ prefix, rest, minItems }: ArrayShape, nodes: Algebra, depth: number): boolean {
  const needed = prefix.slice(0, minItems);
  if (minItems > prefix.length) needed.push(rest);
  return needed.some((node) => isEmpty(node, nodes, depth - 1));
}

function isEmptyObject(shape: ObjectShape, nodes: Algebra, depth: number): boolean {
  for (const name of shape.required) {
    if (isEmpty(memberOf(shape, name, nodes), nodes, depth - 1)) return true;
  }
  return false;
}
