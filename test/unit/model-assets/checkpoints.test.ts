/**
 * @module Checkpoints of every kind, converted and run, against Hugging Face transformers:
 * `test/golden/make-checkpoints-golden.py`.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../support/checkpoints.ts';
import { GoldenRunner } from '../../support/golden-checkpoints.ts';
import { GOLDEN_CHECKPOINTS, goldenNames } from '../../support/golden-files.ts';

describe('a checkpoint gives the ids, texts, logits and tokens of the reference', async () => {
  const names = await goldenNames(GOLDEN_CHECKPOINTS);
  let runner: GoldenRunner;
  let work: Awaited<ReturnType<typeof temporaryFolder>>;
  beforeAll(async () => {
    runner = await GoldenRunner.open(GOLDEN_CHECKPOINTS);
    work = await temporaryFolder();
  });
  afterAll(() => work[Symbol.asyncDispose]());

  it.each(names)('%s', async (name) => {
    expect(await runner.differences(name, work.path)).toEqual([]);
  });
});
