/** @module Which tokenizer files the converter does not take, and how it says so. */
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
  ['half a tokenizer', { 'vocab.json': VOCAB }, 'no tokenizer: expected'],
  ['what is not JSON', { ...TWO_FILES, 'vocab.json': '{' }, 'vocab.json is not a JSON object'],
  [
    'another class',
    config({ tokenizer_class: 'RobertaTokenizer' }),
    'tokenizer_config.json: tokenizer_class: ',
  ],
  ['a prefix space', config({ add_prefix_space: true }), 'tokenizer_config.json: add_prefix_space: '],
  ['an added first token', config({ add_bos_token: true }), 'tokenizer_config.json: add_bos_token: '],
  [
    'a special token with no id',
    config({ pad_token: '<pad>' }),
    'tokenizer_config.json pad_token: "<pad>" has no id',
  ],
  [
    'a greedy token',
    config({ added_tokens_decoder: { 260: { content: '<m>', lstrip: true } } }),
    'added_tokens_decoder.260.lstrip',
  ],
  [
    'an id out of place',
    ids({ new: 261 }),
    'vocab.json: "new" has id 261, but there are only 261 tokens: an id is missing',
  ],
  ['an id given twice', ids({ new: 7, old: 260 }), 'vocab.json: "new" and "ć" both have id 7'],
  ['an id that is none', ids({ new: '260' }), 'vocab.json: "new" has id "260"'],
  ['an id that is negative', ids({ new: -1 }), 'vocab.json: "new" has id -1'],
  [
    'ids that contradict',
    { ...TWO_FILES, 'added_tokens.json': { ab: 260 } },
    'added_tokens.json: "ab" has id 260, and elsewhere 256',
  ],
  [
    'tokens of characters',
    ids({ '▁the': 260 }),
    'vocab.json: token "▁the" has "▁", which stands for no byte',
  ],
  [
    'a missing byte',
    { ...TWO_FILES, 'vocab.json': { ...without('Ā'), new: 0 } },
    'vocab.json: has no token "Ā" for the byte 0',
  ],
  [
    'a merge of no token',
    { ...TWO_FILES, 'merges.txt': mergesTxt(['a b', 'b d']) },
    'merges.txt line 3: "bd" of the merge "b d" is not in vocab.json',
  ],
  [
    'half a merge',
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
    'a merge of three',
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
    'a processor that adds tokens',
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
