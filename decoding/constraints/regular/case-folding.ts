/** @module Which code points the flag i does not tell apart, as the runtime's own regular expressions know it. */
import { CompileBudget } from '../automaton/errors.ts';
import { type CodePoints, codePoints, includes, pairs, unionOf } from './code-points.ts';
import { propertySet } from './unicode-properties.ts';

/** With the flag u or v, letters are folded; without, they are compared as capitals. */
export type Folding = 'unicode' | 'capitals';

const FEW = 16;
const MANY_STEPS = 3_000;

interface Folds {
  readonly groups: readonly (readonly number[])[];
  readonly groupOf: ReadonlyMap<number, readonly number[]>;
}

const known = new Map<Folding, Folds>();

/** A set with all code points that are equal to one of its own without regard to case. */
export function withAllCases(set: CodePoints, folding: Folding, budget: CompileBudget): CodePoints {
  const { groups, groupOf } = foldsOf(folding);
  const added: number[] = [];
  const size = [...pairs(set)].reduce((sum, [low, high]) => sum + high - low + 1, 0);
  if (size <= FEW) {
    for (const [low, high] of pairs(set)) {
      for (let codePoint = low; codePoint <= high; codePoint++) added.push(...(groupOf.get(codePoint) ?? []));
    }
  } else {
    budget.spendSteps(MANY_STEPS);
    for (const group of groups) {
      const own = group.filter((codePoint) => includes(set, codePoint));
      if (own.length > 0 && own.length < group.length) added.push(...group);
    }
  }
  return unionOf([set, codePoints(added.map((codePoint) => [codePoint, codePoint] as const))]);
}

function foldsOf(folding: Folding): Folds {
  let folds = known.get(folding);
  if (!folds) {
    folds = findFolds(folding);
    known.set(folding, folds);
  }
  return folds;
}

/** The runtime tells whether two characters are equal by a back reference. */
function findFolds(folding: Folding): Folds {
  const areEqual = folding === 'unicode' ? /^(.)\1$/isu : /^(.)\1$/is;
  const groups: number[][] = [];
  const groupOf = new Map<number, number[]>();
  for (const alike of relatives()) {
    const parts: number[][] = [];
    for (const codePoint of alike) {
      if (folding === 'capitals' && codePoint > 0xffff) continue;
      const part = parts.find(([first]) => areEqual.test(String.fromCodePoint(first as number, codePoint)));
      if (part) part.push(codePoint);
      else parts.push([codePoint]);
    }
    for (const part of parts) {
      if (part.length === 1) continue;
      groups.push(part);
      for (const codePoint of part) groupOf.set(codePoint, part);
    }
  }
  return { groups, groupOf };
}

/** Groups of code points that have a capital or a small letter in common, in some way. */
function relatives(): Iterable<number[]> {
  const budget = new CompileBudget();
  const cased = unionOf([
    propertySet('Changes_When_Casemapped', budget),
    propertySet('Changes_When_Casefolded', budget),
  ]);
  const groups = new Map<string, number[]>();
  for (const [low, high] of pairs(cased)) {
    for (let codePoint = low; codePoint <= high; codePoint++) {
      const character = String.fromCodePoint(codePoint);
      const joined = new Set<number>([codePoint]);
      const names = [character, character.toLowerCase(), character.toUpperCase()];
      for (const name of names) for (const other of groups.get(name) ?? []) joined.add(other);
      const group = [...joined];
      for (const member of group) groups.set(String.fromCodePoint(member), group);
      for (const name of names) groups.set(name, group);
    }
  }
  return new Set(groups.values());
}
