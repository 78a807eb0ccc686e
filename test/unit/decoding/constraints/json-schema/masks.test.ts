/** @module Masks of schemas, over small vocabularies: each token is tried by itself. */
import { expect, it } from 'vitest';
import { Automaton } from '../../../../../decoding/constraints/automaton/automaton.ts';
import { Constraint } from '../../../../../decoding/constraints/automaton/constraint.ts';
import { MaskCache } from '../../../../../decoding/constraints/automaton/mask-cache.ts';
import { compileJsonSchema } from '../../../../../decoding/constraints/json-schema/compile.ts';
import { Draw } from '../../../../support/draw.ts';
import { randomVocabulary } from '../../../../support/random-vocabulary.ts';

const PIECES = [
  '{"',
  '":',
  ' "',
  'name',
  'names',
  'na',
  'kind',
  '", "',
  '"}',
  'ab',
  'abc',
  '\\u006',
  '1',
  '12',
  ',',
  '}',
  'é',
  ']',
];

const SCHEMAS: readonly object[] = [
  // Other keys than these.
  { type: 'object', properties: { name: true, names: { type: 'integer' }, kind: { const: 'ab' } } },
  {
    type: 'object',
    properties: { name: { type: 'string', maxLength: 4 } },
    required: ['name'],
    'x-key-order': 'any',
  },
  // Keys that must differ.
  { type: 'object', minProperties: 3, properties: { name: true }, 'x-key-order': 'any' },
  { type: 'object', minProperties: 2, additionalProperties: { type: 'integer' } },
  {
    anyOf: [
      { type: 'object', properties: { kind: { const: 'ab' } } },
      { type: 'object', properties: { name: { const: 1 } } },
    ],
  },
  {
    type: 'object',
    patternProperties: { '^na': { type: 'integer' }, b$: { type: 'string', pattern: '^[a-c]*$' } },
  },
  { type: 'array', items: { type: 'string', minLength: 3, maxLength: 9 } },
];

it.each(SCHEMAS.map((schema) => [schema]))('%j: masks have exactly the tokens that may follow', (schema) => {
  for (let seed = 1; seed <= 3; seed++) {
    const draw = new Draw(seed);
    const { vocabulary, bytes } = randomVocabulary(draw, PIECES, 150);
    const automaton = new Automaton(20_000);
    const start = automaton.push(compileJsonSchema(schema), automaton.end);
    const constraint = new Constraint(automaton, start, vocabulary, new MaskCache(1_000_000));
    let state = start;
    for (let step = 0; step < 40; step++) {
      const mask = constraint.allowed(state);
      const expected = bytes.flatMap((token, id) =>
        token.length > 0 && constraint.next(state, id) ? [id] : [],
      );
      expect(bytes.flatMap((_, token) => (mask.has(token) ? [token] : []))).toEqual(expected);
      if (expected.length === 0) break;
      state = constraint.next(state, draw.pick(expected)) ?? start;
    }
  }
});
