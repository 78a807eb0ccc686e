/** @module Shapes that ask for some member, as shapes in which it is decided which member that is. */
import { unsupported } from './keywords.ts';
import { ANYTHING, IMPOSSIBLE } from './node.ts';
import { memberOf, namesOf, nodesOf } from './shapes.ts';
import {
  type Algebra,
  type Chosen,
  type Keyword,
  MAX_ALTERNATIVES,
  type ObjectRule,
  type ObjectShape,
  type SomeMember,
  type ValueNode,
  type WrittenShape,
} from './values.ts';

/** @returns shapes without `some`, which together have the same objects */
export function writtenShapes(shape: ObjectShape, nodes: Algebra): readonly WrittenShape[] {
  let shapes: readonly WrittenShape[] = [shape];
  for (const member of shape.some) {
    shapes = shapes.flatMap((each) => alternatives(each, member, nodes));
    if (shapes.length > MAX_ALTERNATIVES)
      throw unsupported(member.keyword, `more than ${MAX_ALTERNATIVES} alternatives`);
  }
  for (const { chosen = [], minProperties, required } of shapes)
    checkKeys(chosen, minProperties - required.size);
  return shapes;
}

/** A shape with more of `some`, as far as that is not certain. @returns undefined if it has no objects at first sight */
export function settled(
  shape: ObjectShape,
  more: readonly SomeMember[],
  nodes: Algebra,
): ObjectShape | undefined {
  const members = new Set([...shape.some, ...more]);
  let known: ObjectShape = shape.some.length > 0 ? { ...shape, some: [] } : shape;
  for (const member of members) {
    const [first, second] = alternatives(known, member, nodes);
    if (!first) return undefined;
    known = second || first.chosen ? { ...known, some: [...known.some, member] } : first;
  }
  return known;
}

/** The shapes in which one member or another follows the rule. */
function alternatives(shape: WrittenShape, { rule, keyword }: SomeMember, nodes: Algebra): WrittenShape[] {
  const names = namesOf(shape, [rule]);
  nodes.budget.spendSteps(1 + names.length * (1 + shape.rules.length));
  const shapes: WrittenShape[] = [];
  for (const name of names) {
    const node = nodes.and(nodesOf(rule, name));
    if (node === ANYTHING && shape.required.has(name)) return [shape];
    const named = withNamed(shape, name, node, nodes);
    if (named) shapes.push(named);
  }
  return [...shapes, ...withOther(shape, rule, keyword)];
}

/** The shape in which a member's value is in a set. @returns undefined if it has no objects */
function withNamed(
  shape: WrittenShape,
  name: string,
  node: ValueNode,
  nodes: Algebra,
): WrittenShape | undefined {
  if (node === IMPOSSIBLE || nodes.and([memberOf(shape, name, nodes), node]) === IMPOSSIBLE) return undefined;
  const required = new Set([...shape.required, name]);
  if (required.size + (shape.chosen?.length ?? 0) > shape.maxProperties) return undefined;
  const rule: ObjectRule = { names: new Map([[name, node]]), patterns: [], rest: ANYTHING };
  return { ...shape, rules: [...shape.rules, rule], required };
}

/** The shapes in which another member follows the rule: one of its own, or one that follows others too. */
function withOther(shape: WrittenShape, rule: ObjectRule, keyword: Keyword): WrittenShape[] {
  const { chosen = [], rules, required, maxProperties } = shape;
  if (rules.some(({ patterns, rest }) => patterns.length === 0 && rest === IMPOSSIBLE)) return [];
  const shapes = chosen.map((each, i) => ({
    ...shape,
    chosen: chosen.with(i, { ...each, rules: [...each.rules, rule] }),
  }));
  if (required.size + chosen.length >= maxProperties) return shapes;
  return [...shapes, { ...shape, chosen: [...chosen, { rules: [rule], keyword }] }];
}

/**
 * A key that comes again replaces the first one's value, so that keys must differ where it matters.
 * @param missing members that the shape needs beside those which are required
 */
function checkKeys(chosen: readonly Chosen[], missing: number): void {
  const keyword = chosen[0]?.keyword;
  if (!keyword) return;
  if (chosen.length > 1 && chosen.some(isDistinct))
    throw unsupported(keyword, 'several properties that are not valid');
  if (missing > 1) throw unsupported(keyword, '"minProperties" beside a property that is not valid');
}

/** Whether it matters which value the member has. */
export function isDistinct({ rules }: Chosen): boolean {
  return rules.some(({ patterns, rest }) =>
    [rest, ...patterns.map(({ node }) => node)].some((node) => node !== ANYTHING && node !== IMPOSSIBLE),
  );
}
