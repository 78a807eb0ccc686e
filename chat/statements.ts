/**
 * @module The parsed template: statements are plain objects with a type, as `@huggingface/jinja` makes them. Every
 * expression whose value is written becomes an `Output` statement, so that the interpreter knows which are.
 */
import { parse, tokenize } from '@huggingface/jinja';
import { ChatTemplateError } from './errors.ts';
import { withTestFilters } from './test-filters.ts';

export type Program = ReturnType<typeof parse>;

/** A node of the program. */
export interface Statement {
  readonly type: string;
  readonly [field: string]: unknown;
}

export interface Output extends Statement {
  readonly type: 'Output';
  readonly expression: Statement;
}

/** UTF-16 units of a template. The longest ones of models with tools have some 20,000. */
export const MAX_TEMPLATE_LENGTH = 65_536;
/** In a row: the parser's patterns are quadratic in it. */
const MAX_WHITE_SPACE = 1024;

/** Statements that write nothing, or their bodies only. `StringLiteral` is the text between tags. */
const NO_OUTPUT: ReadonlySet<string> = new Set([
  'Break',
  'Comment',
  'Continue',
  'For',
  'If',
  'Macro',
  'Set',
  'StringLiteral',
]);

/** The fields of statements that hold lists of statements. */
const BODIES = ['body', 'alternate', 'defaultBlock'] as const;

/** @throws ChatTemplateError */
export function parseTemplate(source: string): Program {
  if (source.length > MAX_TEMPLATE_LENGTH) {
    const message = `it must have at most ${MAX_TEMPLATE_LENGTH} characters, and has ${source.length}`;
    throw new ChatTemplateError('syntax', message);
  }
  if (/\s{1025}/.test(source)) {
    throw new ChatTemplateError(
      'syntax',
      `it has more than ${MAX_WHITE_SPACE} characters of white space in a row`,
    );
  }
  try {
    // As jinja2 does with line ends, and as transformers sets it up.
    const tokens = tokenize(source.replace(/\r\n?/g, '\n'), { lstrip_blocks: true, trim_blocks: true });
    const program = parse(withTestFilters(tokens));
    withOutputs(program as unknown as Statement);
    return program;
  } catch (error) {
    // Brackets nested too deep exceed the stack: a RangeError.
    const message = error instanceof Error ? error.message : String(error);
    throw new ChatTemplateError('syntax', message, { cause: error });
  }
}

/** Changes the statement's bodies in place. */
function withOutputs(statement: Statement): void {
  for (const field of BODIES) {
    const body = statement[field];
    if (!Array.isArray(body)) continue;
    for (const [i, inner] of (body as Statement[]).entries()) {
      withOutputs(inner);
      if (!NO_OUTPUT.has(inner.type)) body[i] = { type: 'Output', expression: inner };
    }
  }
}

/** Whether a loop of the template goes through the parts of a message's content. */
export function readsContentParts(program: Program): boolean {
  const pending: unknown[] = [program];
  // The loop also visits the nodes that it pushes.
  for (const node of pending) {
    if (typeof node !== 'object' || node === null) continue;
    if (isStatement(node) && node.type === 'For' && isContent(node.iterable)) return true;
    for (const field of node instanceof Map ? [...node.keys(), ...node.values()] : Object.values(node)) {
      pending.push(field);
    }
  }
  return false;
}

const isStatement = (node: object): node is Statement => 'type' in node;

/** `content`, `message.content` or `message['content']`, with filters or a condition of the loop. */
function isContent(node: unknown): boolean {
  if (typeof node !== 'object' || node === null) return false;
  const { type, value, property, operand, lhs } = node as Statement;
  if (type === 'MemberExpression') return isContent(property);
  if (type === 'FilterExpression') return isContent(operand);
  if (type === 'SelectExpression') return isContent(lhs);
  return (type === 'Identifier' || type === 'StringLiteral') && value === 'content';
}
