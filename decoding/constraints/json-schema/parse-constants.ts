/** @module The sets of values of `enum` and `const`. */

import { isObject } from './keywords.ts';
import { ANY_OBJECT, ANYTHING, IMPOSSIBLE } from './node.ts';
import type { Nodes } from './nodes.ts';
import { type NumberPiece, numberOf } from './numbers.ts';
import {
  type ArrayShape,
  FALSE,
  NULL,
  type ObjectShape,
  TRUE,
  type ValueNode,
  type ValueSet,
} from './values.ts';

/** Of a value within another one. */
const STEPS_OF_CONSTANT = 30;

/** @param anyOrder whether objects may be written with their keys in any order */
export function constantsOf(values: readonly unknown[], nodes: Nodes, anyOrder: boolean): ValueSet {
  nodes.budget.spendSteps(values.length);
  let constants = 0;
  const numbers = new Map<number, NumberPiece>();
  const texts = new Set<string>();
  const arrays: ArrayShape[] = [];
  const objects: ObjectShape[] = [];
  for (const value of values) {
    if (value === null) constants |= NULL;
    else if (value === true) constants |= TRUE;
    else if (value === false) constants |= FALSE;
    else if (typeof value === 'number') numbers.set(value, numberOf(value));
    else if (typeof value === 'string') texts.add(value);
    else if (Array.isArray(value)) {
      const prefix = value.map((item) => constantOf(item, nodes, anyOrder));
      const { length } = value;
      arrays.push({
        prefix,
        rest: IMPOSSIBLE,
        minItems: length,
        maxItems: length,
        contains: [],
        uniqueAt: undefined,
      });
    } else if (isObject(value)) {
      const names = new Map(
        Object.entries(value).map(([key, member]) => [key, constantOf(member, nodes, anyOrder)]),
      );
      objects.push({
        ...ANY_OBJECT,
        rules: [{ names, patterns: [], rest: IMPOSSIBLE }],
        required: new Set(names.keys()),
        anyOrder,
      });
    }
  }
  return {
    constants,
    numbers: [...numbers.values()],
    strings: texts.size > 0 ? [{ texts }] : [],
    arrays,
    objects,
  };
}

function constantOf(value: unknown, nodes: Nodes, anyOrder: boolean): ValueNode {
  nodes.budget.spendSteps(STEPS_OF_CONSTANT);
  return value === undefined ? ANYTHING : nodes.create('', () => constantsOf([value], nodes, anyOrder));
}
