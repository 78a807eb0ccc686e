/**
 * @module Tests with an argument, `x is divisibleby(3)`, which the parser of `@huggingface/jinja` does not know. They
 * become filters, which bind as tests do, under names that no template can write.
 */
import type { tokenize } from '@huggingface/jinja';

type Tokens = ReturnType<typeof tokenize>;

const DIVISIBLE = 'is divisibleby';
const NOT_DIVISIBLE = 'is not divisibleby';
/** The filters that tests become. */
export const TEST_FILTERS: ReadonlySet<string> = new Set([DIVISIBLE, NOT_DIVISIBLE]);

/** The tokens with filters in place of such tests. */
export function withTestFilters(tokens: Tokens): Tokens {
  const result: Tokens = [];
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] as Tokens[number];
    const isNot = isName(tokens[i + 1], 'not');
    const name = i + (isNot ? 2 : 1);
    const next = tokens[name + 1];
    const isTest = isName(token, 'is') && isName(tokens[name], 'divisibleby');
    const isBare = next !== undefined && isArgument(next, tokens[name + 2]);
    if (!isTest || !(isBare || next?.type === 'OpenParen')) {
      result.push(token);
      continue;
    }
    const filter = isNot ? NOT_DIVISIBLE : DIVISIBLE;
    result.push({ type: 'Pipe', value: '|' }, { type: 'Identifier', value: filter });
    if (isBare) result.push({ type: 'OpenParen', value: '(' }, next, { type: 'CloseParen', value: ')' });
    i = isBare ? name + 1 : name;
  }
  return result;
}

const isName = (token: Tokens[number] | undefined, name: string) =>
  token?.type === 'Identifier' && token.value === name;

/** An argument without brackets: a number, or a name that is not part of a longer expression. */
const isArgument = ({ type }: Tokens[number], after: Tokens[number] | undefined) =>
  type === 'NumericLiteral' ||
  (type === 'Identifier' && !['Dot', 'OpenSquareBracket', 'OpenParen'].includes(after?.type ?? ''));

/** @throws TypeError for operands that are no numbers; RangeError for a division by 0 */
export function passes(test: string, operand: unknown, divisor: unknown): boolean {
  const [value, by] = [operand, divisor].map(numberOf);
  if (value === undefined || by === undefined) throw new TypeError('divisibleby takes numbers');
  if (by === 0) throw new RangeError('divisibleby(0): division by zero');
  return (value % by === 0) === (test === DIVISIBLE);
}

const numberOf = (value: unknown) =>
  typeof value === 'number' || typeof value === 'boolean' ? Number(value) : undefined;
