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

const without = (token: string) =>
  Object.fromEntries(Object.entries(VOCAB).filter(([other]) => other !== token));
const config = (fields: object) => ({ ...TWO_FILES, 'tokenizer_config.json': fields });
const ids = (change: object) => ({ ...TWO_FILES, 'vocab.json': { ...VOCAB, ...change } });

it.each<[what: string, files: Files, message: string]>([
  ['no tokenizer', {}, 'no tokenizer: expected vocab.json and merges.txt, or tokenizer.json'],
  ['an incomplete tokenizer', { 'vocab.json': VOCAB }, 'no tokenizer: expected'],
  ['invalid JSON', { ...TWO_FILES, 'vocab.json': '{' }, 'vocab.json is not a JSON object'],
  [
    'another class',
    config({ tokenizer_class: 'RobertaTokenizer' }),
    'tokenizer_config.json: tokenizer_class: ',
  ],
  ['a prefix space', config({ add_prefix_space: true }), 'tokenizer_config.json: add_prefix_space: '],
  ['an added BOS token', config({ add_bos_token: true }), 'tokenizer_config.json: add_bos_token: '],
  [
    'a special token without an id',
    config({ pad_token: '<pad>' }),
    'tokenizer_config.json pad_token: "<pad>" has no id',
  ],
  [
    'a token that strips white space',
    config({ added_tokens_decoder: { 260: { content: '<m>', lstrip: true } } }),
    'added_tokens_decoder.260.lstrip',
  ],
  [
    'an id out of range',
    ids({ new: 261 }),
    'vocab.json: "new" has id 261, but there are only 261 tokens: an id is missing',
  ],
  ['a duplicate id', ids({ new: 7, old: 260 }), 'vocab.json: "new" and "ć" both have id 7'],
  ['an id that is not a number', ids({ new: '260' }), 'vocab.json: "new" has id "260"'],
  ['a negative id', ids({ new: -1 }), 'vocab.json: "new" has id -1'],
  [
    'contradictory ids',
    { ...TWO_FILES, 'added_tokens.json': { ab: 260 } },
    'added_tokens.json: "ab" has id 260 here and 256 elsewhere',
  ],
  [
    'a character-level token',
    ids({ '▁the': 260 }),
    'vocab.json: token "▁the" has "▁", which represents no byte',
  ],
  [
    'a missing byte',
    { ...TWO_FILES, 'vocab.json': { ...without('Ā'), new: 0 } },
    'vocab.json: has no token "Ā" for the byte 0',
  ],
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
    'another model',
    oneFile({}, { type: 'Unigram' }),
    'tokenizer.json: model.type: Invalid input: expected "BPE", found "Unigram"',
  ],
  ['byte fallback', oneFile({}, { byte_fallback: true }), 'tokenizer.json: model.byte_fallback: '],
  ['ignored merges', oneFile({}, { ignore_merges: true }), 'tokenizer.json: model.ignore_merges: '],
  ['dropout', oneFile({}, { dropout: 0.1 }), 'tokenizer.json: model.dropout: '],
  ['a suffix', oneFile({}, { end_of_word_suffix: '</w>' }), 'tokenizer.json: model.end_of_word_suffix: '],
  [
    'a merge of three tokens',
    oneFile({}, { merges: ['a b c'] }),
    'tokenizer.json model.merges.0: expected two tokens, found "a b c"',
  ],
  [
    'a normalizer',
    oneFile({ normalizer: { type: 'NFC' } }),
    'tokenizer.json: normalizer: Invalid input: expected null, received object, found {"type":"NFC"}',
  ],
  [
    'another pre-tokenizer',
    oneFile({ pre_tokenizer: { type: 'Metaspace' } }),
    'tokenizer.json: pre_tokenizer.type: ',
  ],
  [
    'another regular expression',
    oneFile({ pre_tokenizer: { ...BYTE_LEVEL, use_regex: false } }),
    'pre_tokenizer.use_regex: ',
  ],
  ['no decoder', oneFile({ decoder: null }), 'tokenizer.json: decoder: '],
  [
    'a post-processor that adds tokens',
    oneFile({ post_processor: { type: 'RobertaProcessing' } }),
    'tokenizer.json: post_processor: ',
  ],
  [
    'a template with tokens',
    oneFile({ post_processor: { type: 'TemplateProcessing', single: [{ SpecialToken: {} }] } }),
    'post_processor: ',
  ],
])('rejects %s', async (_, files, message) => {
  const error = await build(files).catch((error: unknown) => error);
  expect(error).toMatchObject({ name: 'CheckpointError', message: expect.stringContaining(message) });
});
