/** @module The code points of Unicode's properties, as the runtime's own regular expressions know them. */
import { type CompileBudget, ConstraintError } from '../automaton/errors.ts';
import { type CodePoints, codePoints, isSurrogate, MAX_CODE_POINT } from './code-points.ts';

/** Beyond this, planes have the same properties throughout, but for a few code points at their ends. */
const LAST_VARIED = 0x33fff;
const TAGS = [0xe0000, 0xe0fff] as const;
const PLANE = 0x10000;
const CHUNK = 0x1000;
/** A scan takes some milliseconds. */
const SCAN_STEPS = 25_000;
/** Sets that are kept. There are some 700 properties, of which people use a dozen. */
const MAX_KEPT = 64;

const known = new Map<string, CodePoints>();

/**
 * @param expression as between the braces of `\p{…}`
 * @throws ConstraintError beyond the budget, or if the runtime does not know the property
 */
export function propertySet(expression: string, budget: CompileBudget): CodePoints {
  let set = known.get(expression);
  if (!set) {
    budget.spendSteps(SCAN_STEPS);
    set = scan(expression);
    if (known.size >= MAX_KEPT) known.clear();
    known.set(expression, set);
  }
  return set;
}

function scan(expression: string): CodePoints {
  let runs: RegExp;
  try {
    runs = new RegExp(`\\p{${expression}}+`, 'gu');
  } catch {
    throw new ConstraintError(`the property \\p{${expression}} is not known`);
  }
  const ranges: (readonly [number, number])[] = [];
  const addAll = (from: number, to: number) => {
    for (let first = from; first <= to; first += CHUNK) addChunk(runs, first, ranges);
  };
  addAll(0, LAST_VARIED);
  addAll(...TAGS);
  for (let plane = (LAST_VARIED + 1) & ~(PLANE - 1); plane <= MAX_CODE_POINT; plane += PLANE) {
    const first = Math.max(plane, LAST_VARIED + 1);
    const from = plane === TAGS[0] ? TAGS[1] + 1 : first;
    const last = plane + PLANE - 3;
    // Every plane ends with two code points that are no characters.
    if (matches(runs, last)) ranges.push([from, last]);
    for (const end of [last + 1, last + 2]) if (matches(runs, end)) ranges.push([end, end]);
  }
  return codePoints(ranges);
}

function matches(runs: RegExp, codePoint: number): boolean {
  runs.lastIndex = 0;
  return runs.test(String.fromCodePoint(codePoint));
}

function addChunk(runs: RegExp, first: number, ranges: (readonly [number, number])[]): void {
  const all = Array.from({ length: CHUNK }, (_, i) => first + i).filter(
    (codePoint) => !isSurrogate(codePoint),
  );
  const from = all[0];
  if (from === undefined) return;
  const text = String.fromCodePoint(...all);
  const units = first >= PLANE ? 2 : 1;
  runs.lastIndex = 0;
  for (let run = runs.exec(text); run; run = runs.exec(text)) {
    ranges.push([from + run.index / units, from + (run.index + run[0].length) / units - 1]);
  }
}
