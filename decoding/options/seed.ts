/** @module Seeds: whole numbers of 64 bits, signed or not. */
import * as z from 'zod';

/** A whole number; a bigint only if a double cannot hold each whole number of that size. */
export type Seed = number | bigint;

/** The smallest signed and the largest unsigned number of 64 bits. */
export const LEAST_SEED = -(2n ** 63n);
export const LARGEST_SEED = 2n ** 64n - 1n;

/**
 * A seed within a range. It may be a number or a bigint. In JSON Schema, which has no bigints, it is an integer.
 */
export function seedSchema(minimum: bigint, maximum: bigint): z.ZodType<Seed, Seed> {
  return z
    .unknown()
    .meta({ type: 'integer', minimum: Number(minimum), maximum: Number(maximum) })
    .transform((value, context): Seed => {
      const refuse = (issue: z.core.$ZodRawIssue) => {
        context.issues.push(issue);
        return z.NEVER;
      };
      const input = value;
      if (typeof value !== 'bigint' && !Number.isInteger(value)) {
        const expected = typeof value === 'number' && Number.isFinite(value) ? 'int' : 'number';
        return refuse({ code: 'invalid_type', expected, input });
      }
      const seed = BigInt(value as Seed);
      if (seed < minimum) {
        return refuse({ code: 'too_small', origin: 'bigint', minimum, inclusive: true, input });
      }
      if (seed > maximum) {
        return refuse({ code: 'too_big', origin: 'bigint', maximum, inclusive: true, input });
      }
      const number = Number(seed);
      return Number.isSafeInteger(number) ? number : seed;
    }) as unknown as z.ZodType<Seed, Seed>;
}
