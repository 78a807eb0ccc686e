/** @module What a compiled constraint reserves, against V8's own figures. */
import { expect, it } from 'vitest';
import { MaskCache } from '../../../../decoding/constraints/automaton/mask-cache.ts';
import type { State } from '../../../../decoding/constraints/automaton/state.ts';
import { compileConstraint } from '../../../../decoding/constraints/compile.ts';
import { liveBytes } from '../../../support/measured-memory.ts';
import { vocabularyOf } from '../../../support/random-vocabulary.ts';

const { vocabulary } = vocabularyOf(Array.from({ length: 256 }, (_, byte) => [byte]));
/** Where V8's pointers have four bytes, as in workerd, objects take this part of what they take in Node, or less. */
const PART = 0.6;
const COPIES = 4;

const names = (count: number) => Array.from({ length: count }, (_, i) => `property${i}OfThing`);
const object = (count: number, schema: unknown) => ({
  type: 'object',
  properties: Object.fromEntries(names(count).map((name) => [name, schema])),
});

it.each<[name: string, schema: unknown, text: unknown]>([
  ['many names', object(60, { type: 'string' }), Object.fromEntries(names(60).map((name) => [name, 'a']))],
  ['nested objects', object(8, object(8, object(4, true))), { property0OfThing: { property1OfThing: {} } }],
  ['a small schema', { type: 'integer' }, 12],
])('%s take no more than is reserved, once a text was read', (_, schema, value) => {
  const make = () => {
    const constraint = compileConstraint({ type: 'json_schema', schema }, vocabulary, {
      masks: new MaskCache(0),
    });
    const text = constraint.forText();
    let state: State | null = text.start;
    for (const byte of new TextEncoder().encode(JSON.stringify(value)))
      state = state && text.next(state, byte);
    expect(state?.accepts).toBe(true);
    return constraint;
  };
  make();
  const before = liveBytes();
  const held = Array.from({ length: COPIES }, make);
  const each = (liveBytes() - before) / COPIES;
  expect(held[0]?.bytes).toBeGreaterThanOrEqual(PART * each);
});
