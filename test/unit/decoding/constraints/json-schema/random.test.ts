/** @module Random schemas: what they write and read is judged by ajv. */

import { Validator } from '@cfworker/json-schema';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormatsModule from 'ajv-formats';
import { expect, it } from 'vitest';
import { ConstraintError } from '../../../../../decoding/constraints/automaton/errors.ts';
import { compileJsonSchema } from '../../../../../decoding/constraints/json-schema/compile.ts';
import { seededRandom } from '../../../../../decoding/math/random.ts';
import { Draw } from '../../../../support/draw.ts';
import { randomSchema, randomValue } from '../../../../support/random-schemas.ts';
import { Walker } from '../../../../support/text-walks.ts';

/** `SCHEMAS=20000` for a longer run; `SCHEMA_SEED` for another one. */
const SCHEMAS = Number(process.env.SCHEMAS ?? 1_000);
const FIRST_SEED = Number(process.env.SCHEMA_SEED ?? 1);
const TEXTS = 6;
const VALUES = 12;
/** Bytes after which a text heads for its end. */
const STEPS = 60;

type AddFormats = (ajv: object) => void;
const addFormats = addFormatsModule as unknown as AddFormats;

/** ajv lets an empty array pass `contains` if an array before it in the same array has passed: ajv 8.20.0. */
function mayPassWrongly(schema: boolean | object): boolean {
  return JSON.stringify(schema).includes('"contains"');
}

/** @returns undefined for a schema that refers to itself without end */
function judgeOf(schema: boolean | object): ((value: unknown) => boolean) | undefined {
  const ajv = new Ajv2020({ strict: false, validateSchema: false, logger: false });
  addFormats(ajv);
  try {
    const judge = ajv.compile(schema) as (value: unknown) => boolean;
    if (!mayPassWrongly(schema)) return judge;
    const other = new Validator(schema, '2020-12');
    return (value) => judge(value) && other.validate(value).valid;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

it('writes only what ajv accepts, and reads what it accepts', () => {
  const counts = { compiled: 0, texts: 0, valid: 0, empty: 0 };
  const refused = new Map<string, number>();
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SCHEMAS; seed++) {
    const draw = new Draw(seed);
    const schema = randomSchema(draw);
    const judge = judgeOf(schema);
    if (!judge) {
      expect(() => compileJsonSchema(schema)).toThrow(ConstraintError);
      continue;
    }
    const values = Array.from({ length: VALUES }, () => randomValue(draw, schema));
    const where = () => `seed ${seed}: ${JSON.stringify(schema)}`;
    let walker: Walker;
    try {
      const [frame] = compileJsonSchema(schema, undefined, { keyOrder: draw.chance(0.5) ? 'any' : 'schema' });
      if (!frame) throw new Error('no frame');
      walker = new Walker(frame);
    } catch (error) {
      if (!(error instanceof ConstraintError)) throw new Error(where(), { cause: error });
      const message = error.message.replaceAll(/\d+/g, 'n');
      refused.set(message, (refused.get(message) ?? 0) + 1);
      if (message.includes('accepts nothing')) {
        counts.empty++;
        for (const value of values)
          if (judge(value)) expect.fail(`${where()} accepts ${JSON.stringify(value)}`);
      }
      continue;
    }
    counts.compiled++;
    const random = seededRandom(seed);
    const [fault] = seed % 10 === 0 ? walker.faults(40) : [];
    if (fault) expect.fail(`${where()}: ${fault}`);
    for (let i = 0; i < TEXTS; i++) {
      let text: string;
      try {
        text = walker.draw(random, STEPS);
      } catch (error) {
        throw new Error(where(), { cause: error });
      }
      counts.texts++;
      if (!judge(JSON.parse(text))) expect.fail(`${where()} writes ${text}`);
    }
    const [any] = compileJsonSchema(schema, undefined, { keyOrder: 'any' });
    const reader = new Walker(any as NonNullable<typeof any>);
    for (const value of values) {
      const isValid = judge(value);
      if (isValid) counts.valid++;
      for (const text of [JSON.stringify(value), JSON.stringify(value, null, 2)]) {
        if (reader.accepts(text) !== isValid)
          expect.fail(`${where()} ${isValid ? 'rejects' : 'accepts'} ${text}`);
      }
    }
  }
  if (process.env.SHOW)
    console.log(
      counts,
      [...refused].sort((a, b) => b[1] - a[1]),
    );
  expect(counts.compiled).toBeGreaterThan(SCHEMAS * 0.6);
  expect(counts.texts).toBeGreaterThan(3 * SCHEMAS);
  expect(counts.valid).toBeGreaterThan(SCHEMAS);
});
