/** @module Which members an object shape can have. */
import type { Language } from '../regular/language.ts';
import { languageOf } from './languages.ts';
import { ANYTHING, IMPOSSIBLE } from './node.ts';
import { hasString, isAnyString, languageOfPiece } from './strings.ts';
import type { Algebra, KeyPattern, ObjectRule, ObjectShape, ValueNode, WrittenShape } from './values.ts';

/** The members of an object shape: those of known names, and sets of other keys. */
export interface Members {
  /** Those with schemas of their own, also if no value is possible. */
  readonly reserved: readonly string[];
  /** Those that can be there, in the schema's order. */
  readonly names: readonly string[];
  /** `[names]` */
  readonly nodes: readonly ValueNode[];
  /** `[names]` */
  readonly isRequired: readonly boolean[];
  /** Disjoint sets of keys, without `reserved` ones. */
  readonly others: readonly OtherKeys[];
  /** `[chosen of the shape]`: the keys of `others` that each may have. */
  readonly chosen: readonly (readonly OtherKeys[])[];
}

export interface OtherKeys {
  /** Without reserved keys; undefined: every string but those. */
  readonly language: Language | undefined;
  readonly node: ValueNode;
}

/** The set that the values of a key are in. */
export function memberOf({ rules }: ObjectShape, name: string, nodes: Algebra): ValueNode {
  return nodes.and(rules.flatMap((rule) => nodesOf(rule, name)));
}

/** The sets that a rule gives for a key: a value is in all of them. */
export function nodesOf({ names, patterns, rest }: ObjectRule, name: string): ValueNode[] {
  const own = names.get(name);
  if (patterns.length === 0) return [own ?? rest];
  const found = patterns
    .filter(({ keys }) => keys.some((piece) => hasString(piece, name)))
    .map(({ node }) => node);
  if (own) found.push(own);
  return found.length > 0 ? found : [rest];
}

/** @returns undefined if a required member is impossible at first sight */
export function membersOf(shape: WrittenShape, nodes: Algebra): Members | undefined {
  const { rules, chosen = [] } = shape;
  const reserved = namesOf(
    shape,
    chosen.flatMap((each) => each.rules),
  );
  nodes.budget.spendSteps(1 + reserved.length * rules.length);
  const names: string[] = [];
  const values: ValueNode[] = [];
  const isRequired: boolean[] = [];
  for (const name of reserved) {
    const node = memberOf(shape, name, nodes);
    const required = shape.required.has(name);
    if (node === IMPOSSIBLE) {
      if (required) return undefined;
      continue;
    }
    names.push(name);
    values.push(node);
    isRequired.push(required);
  }
  return {
    reserved,
    names,
    nodes: values,
    isRequired,
    others: othersOf(rules, reserved, nodes),
    chosen: chosen.map((each) => othersOf([...rules, ...each.rules], reserved, nodes)),
  };
}

/** The names of members with schemas of their own, in the schema's order. @param more rules of some members */
export function namesOf({ rules, required }: ObjectShape, more: readonly ObjectRule[]): string[] {
  const order = new Set<string>();
  for (const { names } of rules) for (const name of names.keys()) order.add(name);
  for (const name of required) order.add(name);
  for (const { names } of more) for (const name of names.keys()) order.add(name);
  return [...order];
}

/** A set of keys while it is being split: `language` as in `OtherKeys`, but with the names. */
interface Part {
  readonly language: Language | undefined;
  readonly nodes: readonly ValueNode[];
}

function othersOf(rules: readonly ObjectRule[], names: readonly string[], nodes: Algebra): OtherKeys[] {
  let parts: Part[] = [{ language: undefined, nodes: [] }];
  for (const rule of rules) parts = parts.flatMap((part) => split(part, rule, nodes));
  const others: OtherKeys[] = [];
  for (const part of parts) {
    const node = nodes.and(part.nodes);
    if (node === IMPOSSIBLE) continue;
    const language = part.language && without(part.language, names, nodes);
    if (!language?.isEmpty) others.push({ language, node });
  }
  return others;
}

/** Splits keys by which of the rule's patterns they match. */
function split(part: Part, { patterns, rest }: ObjectRule, nodes: Algebra): Part[] {
  const { budget } = nodes;
  if (patterns.length === 0) return rest === ANYTHING ? [part] : [{ ...part, nodes: [...part.nodes, rest] }];
  let matched: { language: Language | undefined; nodes: readonly ValueNode[] }[] = [
    { language: part.language, nodes: [] },
  ];
  for (const pattern of patterns) {
    const language = keysOf(pattern, nodes);
    if (!language) {
      matched = matched.map((those) => ({ ...those, nodes: [...those.nodes, pattern.node] }));
      continue;
    }
    matched = matched.flatMap((those) => [
      { language: those.language?.and(language, budget) ?? language, nodes: [...those.nodes, pattern.node] },
      { ...those, language: those.language?.minus(language, budget) ?? language.not(budget) },
    ]);
    matched = matched.filter((those) => !those.language?.isEmpty);
  }
  return matched.map(({ language, nodes: own }) => ({
    language,
    nodes: [...part.nodes, ...(own.length > 0 ? own : [rest])],
  }));
}

/** @returns undefined for all keys */
function keysOf({ keys }: KeyPattern, { budget }: Algebra): Language | undefined {
  if (keys.some(isAnyString)) return undefined;
  const languages = keys.map((piece) => languageOfPiece(piece, budget));
  return languages.reduce((a, b) => a.or(b, budget));
}

function without(language: Language, names: readonly string[], { budget }: Algebra): Language {
  const matching = names.filter((name) => language.has(name));
  return matching.length === 0 ? language : language.minus(languageOf(matching, budget), budget);
}
