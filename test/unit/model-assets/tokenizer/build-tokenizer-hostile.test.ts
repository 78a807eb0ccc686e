/** @module Tokenizer files of strangers: damaged at random, each is converted or refused, and nothing else happens. */
import { expect, it } from 'vitest';
import { CheckpointError } from '../../../../model-assets/checkpoint/interface/errors.ts';
import { Tokenizer } from '../../../../tokenizer/tokenizer.ts';
import { BYTE_LEVEL, build, oneFile } from '../../../golden/tokenizer-files.ts';

const CLASS = {
  'tokenizer_config.json': { tokenizer_class: 'PreTrainedTokenizerFast', eos_token: '<|endoftext|>' },
};
const SPLIT = {
  type: 'Split',
  pattern: { Regex: '\\p{N}{1,3}| ?\\p{L}+' },
  behavior: 'Isolated',
  invert: false,
};
/** Of each kind of step at least one. */
const { 'tokenizer.json': RICH } = oneFile({
  normalizer: {
    type: 'Sequence',
    normalizers: [
      { type: 'NFKC' },
      { type: 'Replace', pattern: { String: 'x' }, content: 'y' },
      {
        type: 'Precompiled',
        precompiled_charsmap: Buffer.from([4, 0, 0, 0, 1, 2, 3, 4, 5]).toString('base64'),
      },
      {
        type: 'BertNormalizer',
        clean_text: true,
        handle_chinese_chars: true,
        strip_accents: null,
        lowercase: true,
      },
    ],
  },
  pre_tokenizer: {
    type: 'Sequence',
    pretokenizers: [{ type: 'Digits', individual_digits: true }, SPLIT, BYTE_LEVEL],
  },
  post_processor: {
    type: 'TemplateProcessing',
    single: [{ SpecialToken: { id: '<|endoftext|>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
    special_tokens: { '<|endoftext|>': { id: '<|endoftext|>', ids: [259], tokens: ['<|endoftext|>'] } },
  },
});

const HOSTILE = [
  null,
  true,
  -1,
  1.5,
  1e308,
  2 ** 32,
  '',
  'x',
  '\ud800',
  'a'.repeat(100_000),
  [],
  {},
  [[]],
  { type: 'Sequence' },
  [null],
  { length: 2 ** 31 },
  '__proto__',
  Array(1000).fill({}),
  JSON.parse('{"__proto__": {"type": "NFC"}}'),
];

/** A linear congruential generator: the same damage in each run. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Replaces, removes or doubles one value somewhere. The vocabulary is seldom reached. */
function damage(json: object, random: (below: number) => number): object {
  const copy = structuredClone(json) as Record<string, unknown>;
  let parent: Record<string, unknown> = copy;
  for (;;) {
    const keys = Object.keys(parent);
    const key = keys[random(keys.length)] ?? 'type';
    const value = parent[key];
    if (typeof value === 'object' && value !== null && Object.keys(value).length > 0 && random(4) > 0) {
      parent = value as Record<string, unknown>;
      continue;
    }
    const replacement = HOSTILE[random(HOSTILE.length)];
    if (random(5) === 0) delete parent[key];
    else if (random(4) === 0) parent[`${key}${random(9)}`] = value;
    else parent[key] = replacement;
    return copy;
  }
}

/** Converts the files; what is converted must encode and decode. */
async function outcome(files: Record<string, unknown>): Promise<'converted' | 'refused'> {
  let bytes: Uint8Array;
  try {
    ({ bytes } = await build(files));
  } catch (error) {
    expect(error).toBeInstanceOf(CheckpointError);
    expect((error as Error).message.length).toBeLessThan(5000);
    return 'refused';
  }
  const tokenizer = Tokenizer.read(bytes);
  tokenizer.decode(tokenizer.encode('Once <|endoftext|> 123 été 中x'));
  return 'converted';
}

it('a file is converted or refused, wherever it is damaged', async () => {
  const random = generator(17);
  const outcomes = { converted: 0, refused: 0 };
  for (let i = 0; i < 150; i++) {
    outcomes[await outcome({ ...CLASS, 'tokenizer.json': damage(RICH, random) })]++;
  }
  expect(outcomes.converted).toBeGreaterThan(15);
  expect(outcomes.refused).toBeGreaterThan(50);
});

it('a file is refused wherever it is cut off', async () => {
  const text = JSON.stringify(RICH);
  for (let i = 0; i < 20; i++) {
    const cut = text.slice(0, Math.floor((i * text.length) / 20));
    await expect(build({ ...CLASS, 'tokenizer.json': cut })).rejects.toThrow(
      'tokenizer.json is not a JSON object',
    );
  }
});

it('a file that is nested too deeply is refused', async () => {
  const deep = `{"normalizer":${'{"type":"Sequence","normalizers":['.repeat(5000)}${']}'.repeat(5000)},"model":{}}`;
  await expect(build({ ...CLASS, 'tokenizer.json': deep })).rejects.toThrow(CheckpointError);
});

it.each([
  oneFile({ normalizer: { type: 'x'.repeat(100_000) } }),
  oneFile({ pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'x'.repeat(100_000) }] } }),
  oneFile({ decoder: { type: 'Replace', pattern: { Regex: 'x'.repeat(100_000) }, content: '' } }),
])('an error quotes a part of a long text: %#', async (files) => {
  const error = await build({ ...files, ...CLASS }).catch((error: Error) => error);
  expect(error).toBeInstanceOf(CheckpointError);
  expect((error as Error).message.length).toBeLessThan(1000);
});
