/** @module Tokenizer files that the converter rejects, and the error messages. */
import { expect, it } from 'vitest';
import {
  BYTE_LEVEL,
  build,
  type Files,
  mergesTxt,
  oneFile,
  TWO_FILES,
  VOCAB,
} from '../../../golden/tokenizer-files.ts';

const config = (fields: object) => ({ ...TWO_FILES, 'tokenizer_config.json': fields });
const ids = (change: object) => ({ ...TWO_FILES, 'vocab.json': { ...VOCAB, ...change } });
/** A `tokenizer.json` whose steps are taken as they are. */
const ownSteps = (change: object, model: object = {}) => ({
  ...oneFile(change, model),
  'tokenizer_config.json': { tokenizer_class: 'PreTrainedTokenizerFast' },
});
const nested = (depth: number): object =>
  depth === 0 ? { type: 'NFC' } : { type: 'Sequence', normalizers: [nested(depth - 1)] };
const split = (regex: string) => ({
  pre_tokenizer: {
    type: 'Sequence',
    pretokenizers: [
      { type: 'Split', pattern: { Regex: regex }, behavior: 'Isolated', invert: false },
      BYTE_LEVEL,
    ],
  },
});

it.each<[what: string, files: Files, message: string]>([
  ['no tokenizer', {}, 'no tokenizer: expected tokenizer.json, or vocab.json and merges.txt'],
  ['an incomplete tokenizer', { 'vocab.json': VOCAB }, 'no tokenizer: expected'],
  ['invalid JSON', { ...TWO_FILES, 'vocab.json': '{' }, 'vocab.json is not a JSON object'],
  [
    'a class with steps of its own',
    config({ tokenizer_class: 'WhisperTokenizerFast' }),
    'tokenizer_config.json: tokenizer_class "WhisperTokenizerFast" is not supported: ',
  ],
  [
    'a class that needs another file',
    config({ tokenizer_class: 'PreTrainedTokenizerFast' }),
    'no tokenizer: tokenizer_class "PreTrainedTokenizerFast" needs tokenizer.json',
  ],
  ['a duplicate id', ids({ new: 7 }), 'vocab.json: "ć" and "new" both have id 7'],
  ['an id that is not a number', ids({ new: '260' }), 'vocab.json: "new" has id "260"'],
  ['a negative id', ids({ new: -1 }), 'vocab.json: "new" has id -1'],
  ['an id beyond all models', ids({ new: 2 ** 22 }), 'vocab.json: "new" has id 4194304, more than 4194303'],
  [
    'a merge into an unknown token',
    { ...TWO_FILES, 'merges.txt': mergesTxt(['a b', 'b d']) },
    'merges.txt line 3: "bd" of the merge "b d" is not in vocab.json',
  ],
  [
    'an incomplete merge',
    { ...TWO_FILES, 'merges.txt': mergesTxt(['a b', 'ab']) },
    'merges.txt line 3: expected two tokens, found "ab"',
  ],
  [
    'an empty line',
    { ...TWO_FILES, 'merges.txt': mergesTxt(['a b', '', 'b c']) },
    'merges.txt line 3: expected two tokens, found ""',
  ],
  [
    'another model of GPT-2',
    oneFile({}, { type: 'Unigram' }),
    'tokenizer.json: model.type is "Unigram", but GPT2Tokenizer',
  ],
  ['dropout', ownSteps({}, { dropout: 0.1 }), 'tokenizer.json: model: dropout: '],
  [
    'a merge of three tokens',
    oneFile({}, { merges: ['a b c'] }),
    'tokenizer.json: model.merges.0: expected two tokens, found "a b c"',
  ],
  [
    'an unknown normalizer',
    ownSteps({ normalizer: { type: 'Sequence', normalizers: [{ type: 'NFC' }, { type: 'Rot13' }] } }),
    'tokenizer.json: normalizer.normalizers.1: the normalizer "Rot13" is not supported',
  ],
  [
    'a normalizer without its fields',
    ownSteps({ normalizer: { type: 'Replace', content: 'x' } }),
    'tokenizer.json: normalizer: pattern: ',
  ],
  [
    'a map of characters that is no base64',
    ownSteps({ normalizer: { type: 'Precompiled', precompiled_charsmap: '%' } }),
    'tokenizer.json: normalizer: precompiled_charsmap: ',
  ],
  ['sequences without an end', ownSteps({ normalizer: nested(17) }), 'is in more than 16 sequences'],
  [
    'too many steps',
    ownSteps({ normalizer: { type: 'Sequence', normalizers: Array(300).fill({ type: 'NFC' }) } }),
    'is one of more than 256 steps',
  ],
  [
    'an unknown pre-tokenizer',
    ownSteps({ pre_tokenizer: { type: 'Jieba' } }),
    'tokenizer.json: pre_tokenizer: the pre-tokenizer "Jieba" is not supported',
  ],
  ['an invalid expression', ownSteps(split('a(b')), 'the regular expression "a(b" has a "(" without a ")"'],
  [
    'an expression of another engine',
    ownSteps(split('(?P<x>a)')),
    'the regular expression "(?P<x>a)" has "(?P<", which is not supported',
  ],
  ['a long expression', ownSteps(split('a'.repeat(20_001))), 'has a regular expression of 20001 characters'],
  ['a deep expression', ownSteps(split('('.repeat(100) + ')'.repeat(100))), 'has more than 64 levels'],
  [
    'an expression that repeats too often',
    ownSteps(split('(?:a{999}){1001}')),
    'repeats 1001 times, more than 1000',
  ],
  [
    'an expression that backtracks without end',
    ownSteps(split('(?:a|b|ab)*c')),
    'the regular expression "(?:a|b|ab)*c" takes more than 3 seconds for texts of 1000 characters',
  ],
  [
    'an unknown post-processor',
    ownSteps({ post_processor: { type: 'Echo' } }),
    'tokenizer.json: post_processor: the post-processor "Echo" is not supported',
  ],
  [
    'a template without its token',
    ownSteps({
      post_processor: {
        type: 'TemplateProcessing',
        single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
        special_tokens: {},
      },
    }),
    'tokenizer.json: post_processor.special_tokens.<s>: ',
  ],
  [
    'a template without the text',
    ownSteps({ post_processor: { type: 'TemplateProcessing', single: [], special_tokens: {} } }),
    'tokenizer.json: post_processor.single: has the text 0 times, expected once',
  ],
])('rejects %s', async (_, files, message) => {
  const error = await build(files).catch((error: unknown) => error);
  expect(error).toMatchObject({ name: 'CheckpointError', message: expect.stringContaining(message) });
});
