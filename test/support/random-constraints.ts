/**
 * @module Random constraints of every kind, each with a judge that shares no code with its compiler: a list for choices,
 * JavaScript's RegExp for expressions, ajv for schemas, and a recogniser of its own for grammars.
 */
import { Ajv2020 } from 'ajv/dist/2020.js';
import { fullFormats } from 'ajv-formats/dist/formats.js';
import type { ConstraintSource } from '../../decoding/constraints/source.ts';
import type { Draw } from './draw.ts';
import { RandomGrammar } from './random-grammars.ts';

export interface JudgedConstraint {
  readonly source: ConstraintSource;
  accepts(text: string): boolean;
}

export const KINDS = ['choice', 'regex', 'json_schema', 'json_object', 'grammar'] as const;
export type Kind = (typeof KINDS)[number];

const WORDS = ['yes', 'no', 'naïve', 'day', 'days', 'a', '日本', 'x y', '😀', '"q"', '{}', '\n', 'No'];

export function randomConstraint(draw: Draw, kind: Kind): JudgedConstraint {
  switch (kind) {
    case 'choice': {
      const choices = Array.from(
        { length: draw.integer(1, 12) },
        () => draw.pick(WORDS) + draw.pick(['', ...WORDS]),
      );
      return { source: { type: kind, choices }, accepts: (text) => choices.includes(text) };
    }
    case 'regex': {
      const pattern = randomPattern(draw, 3);
      const flags = draw.pick(['', 'i', 'u', 's']);
      const judge = new RegExp(`^(?:${pattern})$`, flags.includes('u') ? flags : `${flags}u`);
      return { source: { type: kind, pattern, flags }, accepts: (text) => judge.test(text) };
    }
    case 'json_schema': {
      const schema = randomSchema(draw, 3);
      const validate = new Ajv2020({ strict: false, formats: fullFormats }).compile(schema);
      return {
        source: { type: kind, schema },
        accepts: (text) => isJson(text) && validate(JSON.parse(text)),
      };
    }
    case 'json_object':
      return { source: { type: kind }, accepts: (text) => isJson(text) && isObject(JSON.parse(text)) };
    case 'grammar': {
      const grammar = new RandomGrammar(draw);
      return { source: { type: kind, grammar: grammar.source }, accepts: (text) => grammar.accepts(text) };
    }
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const ATOMS = [
  'a',
  'b',
  'é',
  '日',
  '😀',
  '.',
  '\\d',
  '\\w',
  '[a-f]',
  '[^a-f\\s]',
  '\\p{Lu}',
  '\\n',
  '-',
  '"',
  'K',
];
const QUANTIFIERS = ['', '', '', '*', '+', '?', '{2}', '{1,3}', '{2,}', '*?'];

function randomPattern(draw: Draw, depth: number): string {
  const alternatives = Array.from({ length: draw.pick([1, 1, 1, 2, 3]) }, () =>
    Array.from({ length: draw.integer(1, 3) }, () => {
      const atom =
        depth > 0 && draw.integer(0, 3) === 0 ? `(?:${randomPattern(draw, depth - 1)})` : draw.pick(ATOMS);
      return atom + draw.pick(QUANTIFIERS);
    }).join(''),
  );
  return alternatives.join('|');
}

const NAMES = ['id', 'name', 'tag', 'é', 'a b'];

function randomSchema(draw: Draw, depth: number): object {
  const scalar = () =>
    draw.pick([
      () => ({
        type: 'string',
        ...draw.pick([{}, { minLength: 1, maxLength: 4 }, { pattern: '^[a-z]+$' }, { pattern: 'a|b' }]),
      }),
      () => ({
        type: 'integer',
        ...draw.pick([{}, { minimum: -3, maximum: 120 }, { multipleOf: 5 }, { exclusiveMinimum: 0 }]),
      }),
      () => ({ type: 'number', ...draw.pick([{}, { minimum: 0.5, maximum: 2 }, { exclusiveMaximum: 1 }]) }),
      () => ({ type: draw.pick(['boolean', 'null', ['string', 'null']]) }),
      () => ({
        enum: draw.shuffled(['red', 1, null, true, 'a"b', [1, 2], { a: 1 }]).slice(0, draw.integer(1, 4)),
      }),
      () => ({ const: draw.pick<unknown>(['x', 0, false, { k: ['v'] }]) }),
      () => ({ type: 'string', format: draw.pick(['date', 'uuid', 'ipv4', 'email', 'time']) }),
    ])();
  if (depth === 0) return scalar();
  const sub = () => randomSchema(draw, depth - 1);
  return draw.pick([
    scalar,
    () => {
      const names = draw.shuffled(NAMES).slice(0, draw.integer(0, 4));
      return {
        type: 'object',
        properties: Object.fromEntries(names.map((name) => [name, sub()])),
        required: names.filter(() => draw.integer(0, 1) === 0),
        ...draw.pick([
          { additionalProperties: false },
          {},
          { additionalProperties: sub() },
          { maxProperties: 4 },
        ]),
        ...draw.pick([{}, {}, { 'x-key-order': 'any' }]),
      };
    },
    () => ({
      type: 'array',
      items: sub(),
      ...draw.pick([
        {},
        { minItems: 1 },
        { maxItems: 3 },
        { minItems: 2, maxItems: 3 },
        { prefixItems: [sub()] },
      ]),
    }),
    () => ({ anyOf: [sub(), sub()] }),
    () => ({ allOf: [{ type: ['object', 'string'] }, sub()] }),
  ])();
}
