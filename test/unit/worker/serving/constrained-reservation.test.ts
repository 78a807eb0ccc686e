/** @module A constraint is compiled when the request has its turn, and its memory is reserved with the request's. */
import { describe, expect, it } from 'vitest';
import type { Constraint } from '../../../../decoding/constraints/automaton/constraint.ts';
import { DEFAULTS } from '../../../../decoding/options/options.ts';
import { AdmissionQueue } from '../../../../engine/batching/admission.ts';
import { MemoryBudget } from '../../../../engine/batching/memory-budget.ts';
import type { Engine } from '../../../../engine/engine.ts';
import type { GenerationRequest } from '../../../../worker/serving/request.ts';
import { admit } from '../../../../worker/serving/reservation.ts';

const MAXIMUM = 2_500_000;
const BYTES = 1_200_000;

const request = {
  prompts: [{ ids: [1, 2, 3], text: 'abc' }],
  n: 1,
  options: { ...DEFAULTS, max_new_tokens: 4 },
} as unknown as GenerationRequest;

function engineOf(memory: MemoryBudget, wait: () => Promise<void>): Engine {
  const tree = { close() {}, capacity: 100, reusedEvaluations: 0, reset() {} };
  const engine = {
    vocabSize: 100,
    contextLength: 64,
    eosTokenIds: [],
    memory,
    admission: new AdmissionQueue(wait),
    check() {},
    open: () => tree,
  };
  return engine as unknown as Engine;
}

describe('a request with a constraint', () => {
  const memory = new MemoryBudget(MAXIMUM);
  let release: (() => void) | undefined;
  const engine = engineOf(memory, async () => release?.());
  const options = {
    form: 'whole',
    partition: '',
    limits: { length: 2, milliseconds: 10_000 },
    signal: new AbortController().signal,
  } as const;
  const open = (compile: () => Constraint) => admit(engine, request, { ...options, compile });

  it('reserves its memory, waits for it, and gives it back', async () => {
    let compilations = 0;
    const constraint = { bytes: BYTES } as Constraint;
    const compile = () => {
      compilations++;
      return constraint;
    };
    const { value: first } = await open(compile);
    expect(first.constraint).toBe(constraint);
    expect(memory.reserved).toBeGreaterThan(BYTES);
    release = () => first.close();
    const second = (await open(compile)).value;
    expect(compilations).toBeGreaterThan(1);
    second.close();
    expect(memory.reserved).toBe(0);
  });

  it('keeps nothing if the constraint is refused', async () => {
    await expect(
      open(() => {
        throw new RangeError('refused');
      }),
    ).rejects.toThrow('refused');
    expect([memory.reserved, engine.admission.length]).toEqual([0, 0]);
  });
});
