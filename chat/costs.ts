/** @module What a filter or method of a template costs, charged before it runs. */
import { type Budget, EXPRESSION_WORK } from './budget.ts';
import { ChatTemplateError } from './errors.ts';
import type { TemplateValue } from './python.ts';

/** The most spaces that `indent` and `tojson` may ask for: what a number among their arguments is charged as. */
const MAX_INDENT = EXPRESSION_WORK;
/** Filters and methods whose arguments multiply the work. */
export const MULTIPLYING: ReadonlySet<string> = new Set(['replace', 'join', 'indent', 'tojson']);
/** Those that compare their elements with each other. */
const SORTING: ReadonlySet<string> = new Set(['sort', 'dictsort', 'unique']);
/** Those that do not look into elements. */
const CHEAP: ReadonlySet<string> = new Set([
  'length',
  'first',
  'last',
  'list',
  'reverse',
  'get',
  'items',
  'keys',
  'values',
]);

/** Charges a filter or method for more than the length of its operand. @throws ChatTemplateError */
export function chargeCall(
  budget: Budget,
  name: string,
  operand: TemplateValue,
  args: readonly TemplateValue[],
): void {
  const isContainer = Array.isArray(operand.value) || operand.value instanceof Map;
  if (!isContainer && !MULTIPLYING.has(name)) return;
  // Elements are read with their contents, and containers among them are written.
  const content = isContainer && !CHEAP.has(name) ? budget.chargeContent(operand) : 0;
  const length = typeof operand.value === 'string' ? operand.value.length : content;
  if (SORTING.has(name)) budget.charge(content * Math.ceil(Math.log2(2 + content)));
  if (!MULTIPLYING.has(name)) return;
  const isWide = args.some(({ type, value }) => type === 'IntegerValue' && Number(value) > MAX_INDENT);
  if (isWide && name !== 'replace') {
    throw new ChatTemplateError('limit', `the chat template indents by more than ${MAX_INDENT}`);
  }
  const perCharacter = args.reduce((sum, arg) => sum + budget.chargeContent(arg), 0);
  // The result is at most this long: an argument between all characters, or an indent before all.
  const isReplaced = name === 'replace' && typeof operand.value === 'string';
  budget.charge(isReplaced ? replacedLength(length, args) : length * (1 + perCharacter));
}

/** At most: the length of a text of `length` after `replace`. */
function replacedLength(length: number, [from, to]: readonly TemplateValue[]): number {
  const before = String(from?.value ?? '').length;
  const after = String(to?.value ?? '').length;
  const places = before === 0 ? length + 1 : length / before;
  return length + places * after;
}
