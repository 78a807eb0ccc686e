/** @module The schemas of the measured answers: eight forms that people ask for. */

const text = (maxLength: number) => ({ type: 'string', maxLength });
const object = (properties: object) => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
});

export const SCHEMAS: readonly object[] = [
  object({
    name: text(40),
    age: { type: 'integer', minimum: 0, maximum: 120 },
    email: { type: 'string', format: 'email' },
  }),
  object({
    label: { enum: ['positive', 'negative', 'neutral'] },
    confidence: { type: 'number' },
    reason: text(120),
  }),
  object({
    title: text(60),
    tags: { type: 'array', items: text(20), minItems: 1, maxItems: 5 },
    date: { type: 'string', format: 'date' },
  }),
  object({
    address: object({ street: text(40), city: text(30), zip: { type: 'string', pattern: '^\\d{5}$' } }),
    phone: { type: 'string', pattern: '^\\+\\d{1,3} \\d{4,10}$' },
  }),
  object({
    items: {
      type: 'array',
      items: object({ sku: text(12), count: { type: 'integer' } }),
      minItems: 1,
      maxItems: 4,
    },
  }),
  object({ answer: text(200) }),
  object({
    tool: { enum: ['search', 'read', 'write'] },
    arguments: { type: 'object', additionalProperties: text(40) },
  }),
  {
    anyOf: [
      object({ error: text(80) }),
      object({ ok: { type: 'boolean' }, value: { type: ['number', 'null'] }, note: text(80) }),
    ],
  },
];
