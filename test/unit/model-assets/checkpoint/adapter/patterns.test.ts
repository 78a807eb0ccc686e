import { expect, test } from 'vitest';
import { findPattern } from '../../../../../model-assets/checkpoint/adapter/patterns.ts';
import { CheckpointError } from '../../../../../model-assets/checkpoint/interface/errors.ts';

const MODULE = 'transformer.h.10.attn.c_attn';
const find = (...patterns: string[]) =>
  findPattern(Object.fromEntries(patterns.map((pattern) => [pattern, pattern])), MODULE, 'rank_pattern');

test.for([
  'c_attn',
  'attn.c_attn',
  MODULE,
  'h\\.10\\.attn\\.c_attn',
  '^transformer.h.10.attn.c_attn',
  'h\\.\\d+\\..*',
  'h\\.1[0-9]\\.attn\\.(c_attn|c_proj)',
])('%s matches a whole name, or its end after a dot', (pattern) => {
  expect(find(pattern)).toBe(pattern);
});

test.for(['attn', '_attn', 'h.1.attn.c_attn', 'c_attn.weight', '^h.10.attn.c_attn', 'h\\.[2-9]\\..*'])(
  '%s does not match',
  (pattern) => {
    expect(find(pattern)).toBeUndefined();
  },
);

test('the first of several patterns counts', () => {
  expect(find('c_proj', 'attn.c_attn', 'c_attn')).toBe('attn.c_attn');
});

test.for([
  '(a+)+$',
  '(a|a)*',
  'a*b*c*',
  '(x)\\1',
  'a{1,9}{1,9}',
  '(',
  '(?P<n>a)',
  `${'a?'.repeat(40)}`,
  'a'.repeat(999),
])('%s is refused: it could take long, or is no expression', (pattern) => {
  expect(() => find(pattern)).toThrow(CheckpointError);
});

test('the slowest accepted patterns take no time on the longest names', () => {
  const start = process.cpuUsage().user;
  for (const pattern of [`.*.*${'.?'.repeat(8)}x`, '(a|a|a)(a|a|a)(a|a|a)(a|a|a)', '.{1,200}.{1,200}x'])
    findPattern({ [pattern]: 1 }, `transformer.h.${'9'.repeat(60)}.mlp.c_fc`, 'rank_pattern');
  expect(process.cpuUsage().user - start).toBeLessThan(300_000);
});
