/** @module Complements of sets of values, where they can be expressed. */
import { intersectValues } from './combine.ts';
import { unsupported } from './keywords.ts';
import { ANY_ARRAY, ANY_OBJECT, ANYTHING, IMPOSSIBLE } from './node.ts';
import { ANY_NUMBER, complementOfNumbers } from './numbers.ts';
import { ANY_STRING, complementOfStrings } from './strings.ts';
import {
  type Algebra,
  type ArrayShape,
  FALSE,
  type Keyword,
  NOTHING,
  NULL,
  type ObjectRule,
  type ObjectShape,
  TRUE,
  type ValueNode,
  type ValueSet,
} from './values.ts';

/** @throws ConstraintError that names the keyword which asks for it */
export function complementOf(values: ValueSet, nodes: Algebra, keyword: Keyword): ValueSet {
  // The complement of a union is the intersection of the complements.
  const only = (part: Partial<ValueSet>): ValueSet => ({ ...NOTHING, ...part });
  const both = (a: ValueSet, b: ValueSet) => intersectValues(a, b, nodes);
  return {
    constants: (NULL | TRUE | FALSE) & ~values.constants,
    numbers: values.numbers
      .map((piece) => only({ numbers: complementOfNumbers(piece) }))
      .reduce(both, only({ numbers: [ANY_NUMBER] })).numbers,
    strings: values.strings
      .map((piece) => only({ strings: complementOfStrings(piece, nodes.budget) }))
      .reduce(both, only({ strings: [ANY_STRING] })).strings,
    arrays: values.arrays
      .map((shape) => only({ arrays: complementOfArrays(shape, nodes, keyword) }))
      .reduce(both, only({ arrays: [ANY_ARRAY] })).arrays,
    objects: values.objects
      .map((shape) => only({ objects: complementOfObjects(shape, nodes, keyword) }))
      .reduce(both, only({ objects: [ANY_OBJECT] })).objects,
  };
}

function complementOfArrays(shape: ArrayShape, nodes: Algebra, keyword: Keyword): ArrayShape[] {
  const { prefix, rest, minItems, maxItems, contains, uniqueAt } = shape;
  if (uniqueAt !== undefined) throw unsupported(keyword, 'items that are not distinct');
  const shapes: ArrayShape[] = [];
  if (minItems > 0) shapes.push({ ...ANY_ARRAY, maxItems: minItems - 1 });
  if (maxItems < Infinity) shapes.push({ ...ANY_ARRAY, minItems: maxItems + 1 });
  prefix.forEach((node, i) => {
    const outside = nodes.not(node, keyword);
    if (outside === IMPOSSIBLE) return;
    const before = Array.from({ length: i }, () => ANYTHING);
    shapes.push({ ...ANY_ARRAY, prefix: [...before, outside], minItems: i + 1 });
  });
  if (rest === IMPOSSIBLE) {
    shapes.push({ ...ANY_ARRAY, minItems: prefix.length + 1 });
  } else if (rest !== ANYTHING) {
    if (prefix.length > 0) throw unsupported(keyword, 'an item after the first ones that is not valid');
    const contained = { node: nodes.not(rest, keyword), minimum: 1, maximum: Infinity, place: keyword.place };
    shapes.push({ ...ANY_ARRAY, minItems: 1, contains: [contained] });
  }
  for (const { node, minimum, maximum, place } of contains) {
    if (minimum > 0) {
      shapes.push({ ...ANY_ARRAY, contains: [{ node, minimum: 0, maximum: minimum - 1, place }] });
    }
    if (maximum < Infinity) {
      shapes.push({ ...ANY_ARRAY, contains: [{ node, minimum: maximum + 1, maximum: Infinity, place }] });
    }
  }
  return shapes;
}

function complementOfObjects(shape: ObjectShape, nodes: Algebra, keyword: Keyword): ObjectShape[] {
  const { rules, required, minProperties, maxProperties, some } = shape;
  const shapes: ObjectShape[] = [];
  for (const name of required) shapes.push(withMember(name, IMPOSSIBLE));
  if (minProperties > 0) shapes.push({ ...ANY_OBJECT, maxProperties: minProperties - 1 });
  if (maxProperties < Infinity) shapes.push({ ...ANY_OBJECT, minProperties: maxProperties + 1 });
  const push = (rule: ObjectRule) => shapes.push({ ...ANY_OBJECT, some: [{ rule, keyword }] });
  for (const rule of rules) {
    const { names, patterns, rest } = rule;
    if (rest !== ANYTHING) push({ ...mapRule(rule, () => IMPOSSIBLE), rest: nodes.not(rest, keyword) });
    for (const { keys, node } of patterns) {
      const outside = nodes.not(node, keyword);
      if (outside === IMPOSSIBLE) continue;
      push({ names: new Map(), patterns: [{ keys, node: outside }], rest: IMPOSSIBLE });
    }
    for (const [name, node] of names) {
      const outside = nodes.not(node, keyword);
      if (outside === IMPOSSIBLE) continue;
      shapes.push({ ...withMember(name, outside), required: new Set([name]) });
    }
  }
  for (const { rule } of some)
    shapes.push({ ...ANY_OBJECT, rules: [mapRule(rule, (node) => nodes.not(node, keyword))] });
  return shapes;
}

function mapRule({ names, patterns, rest }: ObjectRule, map: (node: ValueNode) => ValueNode): ObjectRule {
  return {
    names: new Map(Array.from(names, ([name, node]) => [name, map(node)])),
    patterns: patterns.map(({ keys, node }) => ({ keys, node: map(node) })),
    rest: map(rest),
  };
}

/** @returns the objects in which the key is absent or its value is in the set */
export function withMember(name: string, node: ValueNode): ObjectShape {
  return { ...ANY_OBJECT, rules: [{ names: new Map([[name, node]]), patterns: [], rest: ANYTHING }] };
}
