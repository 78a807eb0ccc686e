/** @module Messages for invalid values: the field, the rule, and the value. */
import type { z } from 'zod';

type Issue = z.core.$ZodIssue;

const PREVIEW_CHARACTERS = 40;
const UNITS: Record<string, string> = { string: 'character', array: 'element', record: 'entry' };
const PLURALS: Record<string, string> = { entry: 'entries' };

/**
 * The most specific issue behind `issue`, with its full path. For a union that is the issue of the best
 * matching alternative, if it is unambiguous; for an invalid key, the issue of the key itself.
 */
export function innermostIssue(issue: Issue): Issue {
  const inner = innerIssue(issue);
  return inner ? innermostIssue({ ...inner, path: [...issue.path, ...inner.path] }) : issue;
}

function innerIssue(issue: Issue): Issue | undefined {
  if (issue.code === 'invalid_key') return issue.issues[0];
  if (issue.code !== 'invalid_union') return undefined;
  const alternatives = issue.errors.flatMap(([first]) => (first ? [first] : []));
  // The best match has the type of the value, or else the deepest path.
  const matching = alternatives.filter((alternative) => !isTypeMismatch(alternative));
  const candidates = matching.length > 0 ? matching : alternatives;
  const [first, second] = candidates.toSorted((a, b) => comparePaths(b.path, a.path));
  if (!first) return undefined;
  if (!second || comparePaths(first.path, second.path) > 0 || matching.length > 0) return first;
  return undefined;
}

/** Whether the value has the wrong type. A fraction in place of an integer has the right one. */
function isTypeMismatch(issue: Issue): boolean {
  if (issue.code === 'invalid_type') return !(issue.expected === 'int' && typeof issue.input === 'number');
  return issue.code === 'invalid_value';
}

/** Orders paths by depth, and siblings by index. */
function comparePaths(a: readonly PropertyKey[], b: readonly PropertyKey[]): number {
  for (const [i, key] of a.entries()) {
    const other = b[i];
    if (other === undefined) return 1;
    if (key !== other) return Number(key) - Number(other);
  }
  return a.length - b.length;
}

/** The name of the field at a path. */
export type FieldName = (path: readonly PropertyKey[]) => string;

export const dotted: FieldName = (path) => path.join('.');

/** @param outer with its `input`: parse with `reportInput` */
export function describeIssue(outer: Issue, nameOf: FieldName = dotted): string {
  const issue = innermostIssue(outer);
  const field = issue.path.length > 0 ? `'${nameOf(issue.path)}'` : 'The request body';
  const actual = `not ${preview(issue.input)}`;
  switch (issue.code) {
    case 'invalid_type':
      if (issue.input === undefined) return `${field} is missing: it must be ${typeName(issue)}`;
      return `${field} must be ${typeName(issue)}, ${actual}`;
    case 'invalid_value': {
      const values = issue.values.map((value) => preview(value)).join(' or ');
      if (issue.input === undefined) return `${field} is missing: it must be ${values}`;
      return `${field} must be ${values}, ${actual}`;
    }
    case 'too_small': {
      const comparison = issue.inclusive === false ? 'more than' : 'at least';
      const limit = withUnit(issue.minimum, issue);
      return `${field} must ${verb(issue)} ${comparison} ${limit}, ${actualSize(issue)}`;
    }
    case 'too_big': {
      const comparison = issue.inclusive === false ? 'less than' : 'at most';
      const limit = withUnit(issue.maximum, issue);
      return `${field} must ${verb(issue)} ${comparison} ${limit}, ${actualSize(issue)}`;
    }
    case 'custom':
      return `${field} ${issue.message}`;
    default:
      if (issue.input === undefined) return `${field} is missing: it ${issue.message}`;
      return `${field} ${issue.message}, ${actual}`;
  }
}

function typeName({ expected, input }: z.core.$ZodIssueInvalidType): string {
  // `JSON.parse` turns a number beyond the range of a double into Infinity.
  if (typeof input === 'number' && !Number.isFinite(input) && /^(?:number|int)$/.test(expected)) {
    return 'a finite number';
  }
  if (expected === 'int') return 'a whole number';
  if (expected === 'record') return 'an object';
  if (expected === 'tuple') return 'an array';
  return `${/^[aeiou]/.test(expected) ? 'an' : 'a'} ${expected}`;
}

type SizeIssue = z.core.$ZodIssueTooBig | z.core.$ZodIssueTooSmall;

function verb({ origin }: SizeIssue): string {
  return origin in UNITS ? 'have' : 'be';
}

function withUnit(limit: number | bigint, { origin }: SizeIssue): string {
  const unit = UNITS[origin];
  if (!unit) return String(limit);
  return `${limit} ${Number(limit) === 1 ? unit : (PLURALS[unit] ?? `${unit}s`)}`;
}

function actualSize({ origin, input }: SizeIssue): string {
  const length = typeof input === 'string' || Array.isArray(input) ? input.length : undefined;
  return `not ${origin in UNITS && length !== undefined ? length : preview(input)}`;
}

/** The first characters of a value as JSON. Stops there, so deep and long values cost no more. */
export function preview(input: unknown): string {
  let text = '';
  for (const part of jsonParts(input)) {
    text += part;
    if (text.length > PREVIEW_CHARACTERS) return `${beginning(text)}…`;
  }
  return text;
}

/** The first characters of a text, never half of a surrogate pair. */
function beginning(text: string): string {
  return text.slice(0, PREVIEW_CHARACTERS).replace(/[\ud800-\udbff]$/, '');
}

function* jsonParts(value: unknown): Generator<string> {
  if (typeof value === 'string') {
    yield JSON.stringify(beginning(value));
    if (value.length > PREVIEW_CHARACTERS) yield '…';
  } else if (Array.isArray(value)) {
    yield '[';
    for (const [i, element] of value.entries()) {
      if (i > 0) yield ',';
      yield* jsonParts(element);
    }
    yield ']';
  } else if (typeof value === 'object' && value !== null) {
    yield '{';
    for (const [i, [key, element]] of Object.entries(value).entries()) {
      yield `${i > 0 ? ',' : ''}${JSON.stringify(key)}:`;
      yield* jsonParts(element);
    }
    yield '}';
  } else yield String(value);
}
