/** @module Tokenizers from random files, as transformers reads them (test/golden/make-tokenizer-files-golden.py). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { CheckpointError } from '../../../../model-assets/checkpoint/interface/errors.ts';
import { Tokenizer } from '../../../../tokenizer/tokenizer.ts';
import { build, type Files } from '../../../golden/tokenizer-files.ts';
import { GOLDEN } from '../../../support/models.ts';

interface Refused {
  readonly files: Files;
  readonly error: true;
}
interface Read {
  readonly files: Files;
  readonly error?: undefined;
  readonly ids: readonly number[][];
  readonly plain: readonly number[][];
  readonly split: readonly number[][];
  readonly decode: readonly [ids: number[], text: string, withoutSpecial: string];
}

const { texts, cases }: { texts: string[]; cases: (Read | Refused)[] } = JSON.parse(
  gunzipSync(readFileSync(join(GOLDEN, 'tokenizer-files.json.gz'))).toString('utf8'),
);

it.each(cases.map((files, i) => [i, files] as const))('case %d', async (_, expected) => {
  if (expected.error) {
    await expect(build(expected.files)).rejects.toThrow(CheckpointError);
    return;
  }
  const tokenizer = Tokenizer.read((await build(expected.files)).bytes);
  const idsOf = (options: object) => texts.map((text) => [...tokenizer.encode(text, options)]);
  expect(idsOf({})).toEqual(expected.ids);
  expect(idsOf({ addSpecialTokens: false })).toEqual(expected.plain);
  expect(idsOf({ splitSpecialTokens: true })).toEqual(expected.split);
  const [ids, text, withoutSpecial] = expected.decode;
  expect(tokenizer.decode(ids)).toBe(text);
  expect(tokenizer.decode(ids, { skipSpecialTokens: true })).toBe(withoutSpecial);
});
