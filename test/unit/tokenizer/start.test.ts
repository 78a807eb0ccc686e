/** @module The beginning of a text where the normalizer removes characters. Ids of tokenizers 0.23.2. */
import { expect, it } from 'vitest';
import { Tokenizer } from '../../../tokenizer/tokenizer.ts';
import { build } from '../../golden/tokenizer-files.ts';

const STRIP = { type: 'Strip', strip_left: true, strip_right: true };
const BERT = {
  type: 'BertNormalizer',
  clean_text: true,
  handle_chinese_chars: true,
  strip_accents: true,
  lowercase: true,
};

it.each<[string, object, readonly (readonly [text: string, ids: readonly number[]])[]]>([
  [
    'spaces',
    STRIP,
    [
      ['a', [4]],
      [' a', [2]],
      ['  a b', [2, 5]],
      ['<s>a', [6, 2]],
      ['<s> a', [6, 2]],
      ['a<s>a', [4, 6, 2]],
    ],
  ],
  [
    'what is no text',
    BERT,
    [
      ['a', [4]],
      [' a', [4]],
      ['  a b', [1, 4, 5]],
      ['\u200da', [2]],
      ['\u0301a', [2]],
      ['A b', [4, 5]],
    ],
  ],
])('is not that of the first piece if %s before it is removed', async (_, normalizer, expected) => {
  const { bytes } = await build({
    'config.json': { model_type: 'gpt2' },
    'tokenizer_config.json': { tokenizer_class: 'PreTrainedTokenizerFast' },
    'tokenizer.json': {
      added_tokens: [{ id: 6, content: '<s>', special: true }],
      normalizer,
      pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'first', split: true },
      decoder: null,
      model: {
        type: 'BPE',
        unk_token: '<unk>',
        vocab: { '<unk>': 0, '▁': 1, a: 2, b: 3, '▁a': 4, '▁b': 5 },
        merges: ['▁ a', '▁ b'],
      },
    },
  });
  const tokenizer = Tokenizer.read(bytes);
  expect(expected.map(([text]) => [text, [...tokenizer.encode(text)]])).toEqual(expected);
});
