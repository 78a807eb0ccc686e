/** @module What is wrong with a value that was given: its name, what it may be, and what it was. */
import type { z } from 'zod';

type Issue = z.core.$ZodIssue;

const SHOWN_CHARACTERS = 40;
const UNITS: Record<string, string> = { string: 'character', array: 'element', record: 'entry' };
const PLURALS: Record<string, string> = { entry: 'entries' };

/**
 * What an issue comes down to, with its whole path: of a value that may be one of several kinds, the fault in the only kind
 * that it can have been meant as, if there is but one; of a key, what is wrong with it.
 */
export function innermostIssue(issue: Issue): Issue {
  const inner = innerIssue(issue);
  return inner ? innermostIssue({ ...inner, path: [...issue.path, ...inner.path] }) : issue;
}

function innerIssue(issue: Issue): Issue | undefined {
  if (issue.code === 'invalid_key') return issue.issues[0];
  if (issue.code !== 'invalid_union') return undefined;
  const faults = issue.errors.flatMap(([first]) => (first ? [first] : []));
  // A fault that is no matter of kind, or one further in than all others.
  const ofKind = faults.filter((fault) => !isOfKind(fault));
  const candidates = ofKind.length > 0 ? ofKind : faults;
  const [first, second] = candidates.toSorted((a, b) => comparePaths(b.path, a.path));
  if (!first) return undefined;
  if (!second || comparePaths(first.path, second.path) > 0 || ofKind.length > 0) return first;
  return undefined;
}

/** Whether the value is of another kind altogether: a whole number that has a fraction is not. */
function isOfKind(issue: Issue): boolean {
  if (issue.code === 'invalid_type') return !(issue.expected === 'int' && typeof issue.input === 'number');
  return issue.code === 'invalid_value';
}

/** Which of two paths is further in, or further on. */
function comparePaths(a: readonly PropertyKey[], b: readonly PropertyKey[]): number {
  for (const [i, key] of a.entries()) {
    const other = b[i];
    if (other === undefined) return 1;
    if (key !== other) return Number(key) - Number(other);
  }
  return a.length - b.length;
}

/** @param issue with its `input`: parse with `reportInput` */
export function describeIssue(outer: Issue): string {
  const issue = innermostIssue(outer);
  const field = issue.path.length > 0 ? `'${issue.path.join('.')}'` : 'The request body';
  const found = `not ${show(issue.input)}`;
  switch (issue.code) {
    case 'invalid_type':
      if (issue.input === undefined) return `${field} is missing: it must be ${typeName(issue)}`;
      return `${field} must be ${typeName(issue)}, ${found}`;
    case 'invalid_value':
      return `${field} must be ${issue.values.map((value) => show(value)).join(' or ')}, ${found}`;
    case 'too_small': {
      const how = issue.inclusive === false ? 'more than' : 'at least';
      return `${field} must ${verb(issue)} ${how} ${withUnit(issue.minimum, issue)}, ${size(issue)}`;
    }
    case 'too_big': {
      const how = issue.inclusive === false ? 'less than' : 'at most';
      return `${field} must ${verb(issue)} ${how} ${withUnit(issue.maximum, issue)}, ${size(issue)}`;
    }
    case 'custom':
      return `${field} ${issue.message}`;
    default:
      return `${field} ${issue.message}, ${found}`;
  }
}

function typeName({ expected, input }: z.core.$ZodIssueInvalidType): string {
  // A number that JSON can write and a double cannot hold arrives as Infinity.
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

function size({ origin, input }: SizeIssue): string {
  const length = typeof input === 'string' || Array.isArray(input) ? input.length : undefined;
  return `not ${origin in UNITS && length !== undefined ? length : show(input)}`;
}

/** The beginning of a value as JSON, however deep and long it is. */
function show(input: unknown): string {
  let text = '';
  for (const part of jsonParts(input)) {
    text += part;
    if (text.length > SHOWN_CHARACTERS) return `${text.slice(0, SHOWN_CHARACTERS)}…`;
  }
  return text;
}

function* jsonParts(value: unknown): Generator<string> {
  if (typeof value === 'string') {
    yield JSON.stringify(value.slice(0, SHOWN_CHARACTERS));
    if (value.length > SHOWN_CHARACTERS) yield '…';
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
