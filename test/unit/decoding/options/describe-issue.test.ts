/** @module Messages for values that a schema rejects. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { describeIssue, innermostIssue } from '../../../../decoding/options/describe-issue.ts';

const ids = z.array(z.int().min(0)).min(1);
const either = z.union([z.string().min(1), ids, z.array(z.string()).min(1), z.array(ids).min(1)], {
  error: 'must be one of four',
});
const schema = z.strictObject({
  either: either.optional(),
  bias: z.record(z.string().regex(/^\d+$/, 'has a key that must be an id'), z.number()).optional(),
  flag: z.literal(false).optional(),
  kind: z.strictObject({ type: z.enum(['a', 'b']) }).optional(),
  pair: z.tuple([z.number(), z.enum(['a', 'b'])]).optional(),
});

function messageFor(value: unknown): string | undefined {
  const [issue] = schema.safeParse(value, { reportInput: true }).error?.issues ?? [];
  return issue && describeIssue(issue);
}

describe('describeIssue', () => {
  it.each([
    [{ either: 5 }, "'either' must be one of four, not 5"],
    [{ either: [null] }, "'either' must be one of four, not [null]"],
    [{ either: '' }, "'either' must have at least 1 character, not 0"],
    [{ either: [] }, "'either' must have at least 1 element, not 0"],
    [{ either: [1, -2] }, "'either.1' must be at least 0, not -2"],
    [{ either: [0.5] }, "'either.0' must be a whole number, not 0.5"],
    [{ either: ['a', 5] }, "'either.1' must be a string, not 5"],
    [{ either: [1, 'a'] }, '\'either.1\' must be a number, not "a"'],
    [{ either: [[1], [2, -3]] }, "'either.1.1' must be at least 0, not -3"],
    [{ either: [1, Number.POSITIVE_INFINITY] }, "'either.1' must be a finite number, not Infinity"],
    [{ bias: { x: 1 } }, '\'bias.x\' has a key that must be an id, not "x"'],
    [{ bias: 'x'.repeat(100) }, `'bias' must be an object, not "${'x'.repeat(39)}…`],
    [{ flag: true }, "'flag' must be false, not true"],
    [{ kind: {} }, '\'kind.type\' is missing: it must be "a" or "b"'],
    [{ pair: [1, 'c'] }, '\'pair.1\' must be "a" or "b", not "c"'],
    [{ pair: { a: [{ b: null }] } }, `'pair' must be an array, not {"a":[{"b":null}]}`],
    [[], 'The request body must be an object, not []'],
    [undefined, 'The request body is missing: it must be an object'],
  ])('for %j returns %s', (value, message) => {
    expect(messageFor(value)).toBe(message);
  });

  it('truncates a deeply nested value', () => {
    const deep: unknown = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`);
    expect(messageFor({ bias: deep })).toBe(`'bias' must be an object, not ${'['.repeat(40)}…`);
  });
});

describe('innermostIssue', () => {
  it('has the full path', () => {
    const [issue] = schema.safeParse({ either: [[1], [2, 'a']] }, { reportInput: true }).error?.issues ?? [];
    expect(issue && innermostIssue(issue).path).toEqual(['either', 1, 1]);
  });
});
