/** @module What is wrong with a value that was given: its name, what it may be, and what it was. */
import type { z } from 'zod';

const SHOWN_CHARACTERS = 40;
const UNITS: Record<string, string> = { string: ' characters', array: ' elements' };

/** @param issue with its `input`: parse with `reportInput` */
export function describeIssue(issue: z.core.$ZodIssue): string {
  const field = issue.path.length > 0 ? `'${issue.path.join('.')}'` : 'The request body';
  const found = `not ${show(issue.input)}`;
  switch (issue.code) {
    case 'invalid_type':
      return `${field} must be ${typeName(issue)}, ${found}`;
    case 'too_small':
      return `${field} must ${verb(issue.origin)} ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}${UNITS[issue.origin] ?? ''}, ${size(issue)}`;
    case 'too_big':
      return `${field} must ${verb(issue.origin)} ${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}${UNITS[issue.origin] ?? ''}, ${size(issue)}`;
    case 'invalid_union':
      return `${field} ${issue.message}, ${found}`;
    default:
      return `${field}: ${issue.message}, ${found}`;
  }
}

function typeName({ expected }: z.core.$ZodIssueInvalidType): string {
  if (expected === 'int') return 'a whole number';
  if (expected === 'record') return 'an object';
  return `${/^[aeiou]/.test(expected) ? 'an' : 'a'} ${expected}`;
}

function verb(origin: string): string {
  return origin in UNITS ? 'have' : 'be';
}

function size({ origin, input }: z.core.$ZodIssueTooBig | z.core.$ZodIssueTooSmall): string {
  const length = typeof input === 'string' || Array.isArray(input) ? input.length : undefined;
  return `not ${origin in UNITS && length !== undefined ? length : show(input)}`;
}

function show(input: unknown): string {
  // A number that JSON can write and a double cannot hold arrives as Infinity.
  const text = typeof input === 'number' ? String(input) : (JSON.stringify(input) ?? String(input));
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}
