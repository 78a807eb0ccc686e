/** @module Conversion of tokenizer files. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folderMetadata } from '../../../../model-assets/checkpoint/interface/metadata.ts';
import { buildTokenizer } from '../../../../model-assets/tokenizer/build-tokenizer.ts';
import { Tokenizer } from '../../../../tokenizer/tokenizer.ts';
import { byteSymbols } from '../../../../tokenizer/unicode/symbols.ts';
import {
  build,
  END_OF_TEXT,
  type Files,
  idsOf,
  MERGES,
  mergesTxt,
  oneFile,
  TWO_FILES,
  VOCAB,
} from '../../../golden/tokenizer-files.ts';
import { DEFAULT_CHECKPOINT } from '../../../golden/tokenizer-golden.ts';

describe('files', () => {
  it('reports the files that were read', async () => {
    expect((await buildTokenizer(folderMetadata(DEFAULT_CHECKPOINT))).sources).toEqual([
      'tokenizer_config.json',
      'vocab.json',
      'merges.txt',
    ]);
    expect((await build(TWO_FILES)).sources).toEqual(['vocab.json', 'merges.txt']);
    const { 'vocab.json': vocab } = TWO_FILES;
    expect((await build({ ...oneFile({}), 'vocab.json': vocab })).sources).toEqual(['tokenizer.json']);
    expect((await build({ ...oneFile({}), ...TWO_FILES })).sources).toEqual(['tokenizer.json']);
  });

  it('gives the same bytes for both forms and all notations', async () => {
    const { bytes, vocabSize } = await build(TWO_FILES);
    expect(vocabSize).toBe(260);
    const reversed = Object.fromEntries(Object.entries(VOCAB).reverse());
    for (const files of [
      { 'vocab.json': reversed, 'merges.txt': mergesTxt(MERGES).replaceAll('\n', '\r\n') },
      { ...TWO_FILES, 'merges.txt': MERGES.join('\n') },
      {
        ...TWO_FILES,
        'special_tokens_map.json': { eos_token: '<|endoftext|>', additional_special_tokens: [] },
      },
      {
        ...TWO_FILES,
        'tokenizer_config.json': { added_tokens_decoder: { 259: END_OF_TEXT }, add_prefix_space: false },
      },
      oneFile({}),
      oneFile({}, { merges: MERGES }),
      oneFile(
        { pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false } },
        { type: undefined, ignore_merges: undefined },
      ),
      oneFile({
        post_processor: { type: 'TemplateProcessing', single: [{ Sequence: { id: 'A', type_id: 0 } }] },
      }),
    ]) {
      expect((await build(files)).bytes).toEqual(bytes);
    }
  });

  it("has GPT-2's byte symbols", async () => {
    const vocab = JSON.parse(await readFile(join(DEFAULT_CHECKPOINT, 'vocab.json'), 'utf8'));
    expect(byteSymbols().every((symbol) => symbol in vocab)).toBe(true);
    expect([0, 32, 33, 127, 160, 173, 255].map((byte) => byteSymbols()[byte]).join('')).toBe('ĀĠ!ġłŃÿ');
  });
});

describe('vocabularies', () => {
  const load = async (files: Files) => Tokenizer.read((await build(files)).bytes);

  it('use the last rank of a merge that is listed twice', async () => {
    // GPT2TokenizerFast: [97, 257]
    const tokenizer = await load({ ...TWO_FILES, 'merges.txt': mergesTxt([...MERGES, 'a b']) });
    expect([...tokenizer.encode('abc')]).toEqual([97, 257]);
  });

  it('support several merges into the same token', async () => {
    const vocab = { ...VOCAB, abc: 260 };
    const tokenizer = await load({
      'vocab.json': vocab,
      'merges.txt': mergesTxt([...MERGES, 'a bc', 'ab c']),
    });
    expect([...tokenizer.encode('abc ab')]).toEqual([260, 32, 256]);
  });

  it('may have no merges, and get the end of text that the class has', async () => {
    // GPT2TokenizerFast: [105, …], and 256 for <|endoftext|>
    const tokenizer = await load({ 'vocab.json': idsOf(byteSymbols()), 'merges.txt': '' });
    expect(tokenizer.specialTokens).toEqual(new Map([['<|endoftext|>', 256]]));
    expect([...tokenizer.encode("it's é")]).toEqual([...Buffer.from("it's é")]);
    expect([...tokenizer.encode('a<|endoftext|>')]).toEqual([97, 256]);
  });

  it('may have tokens named like properties of Object.prototype', async () => {
    const vocab = JSON.stringify(VOCAB).replace(/}$/, ',"__proto__":260,"constructor":261}');
    const { vocabSize } = await build({ ...TWO_FILES, 'vocab.json': vocab });
    expect(vocabSize).toBe(262);
  });

  it('match added tokens in the text, special ones first and not with splitSpecialTokens', async () => {
    // All results are those of GPT2TokenizerFast.
    const tokenizer = await load({
      ...TWO_FILES,
      'added_tokens.json': { '<x é>': 260, Ġfoo: 261, '<x é> y': 262, 'a.c': 263 },
      'tokenizer_config.json': { tokenizer_class: 'GPT2Tokenizer', pad_token: '<x é>' },
    });
    expect(tokenizer.vocabSize).toBe(264);
    expect(tokenizer.specialTokens).toEqual(
      new Map([
        ['<|endoftext|>', 259],
        ['<x é>', 260],
      ]),
    );
    const both = (text: string) =>
      [true, false].map((splitSpecialTokens) => [...tokenizer.encode(text, { splitSpecialTokens })]);
    expect(both('c<x é> y')).toEqual([
      [99, 262],
      [99, 260, 32, 121],
    ]);
    expect(both('<|endoftext|>b')).toEqual([[...Buffer.from('<|endoftext|>b')], [259, 98]]);
    expect(both('Ġfooabca.cab')).toEqual(Array(2).fill([261, 256, 99, 263, 256]));
    expect(tokenizer.decode([260, 261, 262])).toBe('<x é> foo<x é> y');
    expect(tokenizer.decode([260, 261, 262], { skipSpecialTokens: true })).toBe(' foo<x é> y');
  });
});

describe('named special tokens', () => {
  const EOT = '<|endoftext|>';
  const ROBERTA = {
    bos_token: '<s>',
    eos_token: '</s>',
    unk_token: '<unk>',
    sep_token: '</s>',
    pad_token: '<pad>',
    cls_token: '<s>',
    mask_token: '<mask>',
  };
  const CONFIG = 'tokenizer_config.json';

  it.each([
    [undefined, { bos_token: EOT, eos_token: EOT, unk_token: EOT }],
    ['GPT2TokenizerFast', { bos_token: EOT, eos_token: EOT, unk_token: EOT }],
    ['PreTrainedTokenizerFast', {}],
    ['LongformerTokenizer', ROBERTA],
    ['LlamaTokenizer', { bos_token: '<s>', eos_token: '</s>', unk_token: '<unk>' }],
  ])('of the class %s are those of transformers', async (tokenizer_class, expected) => {
    expect((await build({ ...oneFile({}), [CONFIG]: { tokenizer_class } })).specialTokens).toEqual(expected);
    // The class may be named in config.json.
    const inConfig = { ...oneFile({}), 'config.json': { tokenizer_class } };
    expect((await build(inConfig)).specialTokens).toEqual(expected);
  });

  it('are those of the files, as names or objects; null takes one away', async () => {
    const config = {
      bos_token: null,
      eos_token: { __type: 'AddedToken', content: '</s>' },
      add_bos_token: true,
      image_token: '<image>',
      extra_special_tokens: { boi_token: '<boi>' },
    };
    const tokensOf = async (files: Files) => (await build({ ...TWO_FILES, ...files })).specialTokens;
    const expected = { eos_token: '</s>', unk_token: EOT, image_token: '<image>', boi_token: '<boi>' };
    expect(await tokensOf({ [CONFIG]: config })).toEqual(expected);
    const map = { 'special_tokens_map.json': { eos_token: '<end>' } };
    expect((await tokensOf({ [CONFIG]: config, ...map })).eos_token).toBe('<end>');
    const listed = { ...config, added_tokens_decoder: { 0: { content: '</s>' } } };
    expect((await tokensOf({ [CONFIG]: listed, ...map })).eos_token).toBe('</s>');
  });
});

describe('classes of transformers', () => {
  const VOCAB_TXT = { 'vocab.txt': '[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n##b\n' };

  it.each([
    ['BertTokenizer', ['DistilBertTokenizer', 'ConvBertTokenizerFast', 'LxmertTokenizer'], VOCAB_TXT],
    ['RobertaTokenizer', ['LEDTokenizer', 'LongformerTokenizerFast', 'MvpTokenizer'], TWO_FILES],
  ])('that are %s under another name give the same ids: %j', async (tokenizer_class, names, files) => {
    const bytesOf = async (name: string) =>
      (await build({ ...files, 'tokenizer_config.json': { tokenizer_class: name } })).bytes;
    const expected = await bytesOf(tokenizer_class);
    for (const name of names) expect(Buffer.compare(await bytesOf(name), expected)).toBe(0);
  });

  it.each(['DPRReaderTokenizer', 'MarianTokenizer', 'SiglipTokenizer'])(
    'with steps of their own are refused, also with a tokenizer.json: %s',
    async (tokenizer_class) => {
      const files = { ...oneFile({}), 'tokenizer_config.json': { tokenizer_class } };
      await expect(build(files)).rejects.toThrow(`tokenizer_class "${tokenizer_class}" is not supported`);
    },
  );
});
