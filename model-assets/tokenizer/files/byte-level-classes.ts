/** @module Other classes of transformers with byte-level BPE: RoBERTa's, GPT-NeoX's, Qwen2's, CodeGen's. */
import { readBpe } from './gpt2-class.ts';
import type { BuiltTokenizer, ClassInput, TokenizerClass } from './tokenizer-class.ts';
import type { Step, TokenizerJson } from './tokenizer-json.ts';

const END_OF_TEXT = '<|endoftext|>';
const QWEN2_WORDS =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

async function byteLevel(
  input: ClassInput,
  className: string,
  steps: Pick<TokenizerJson, 'normalizer' | 'pre_tokenizer' | 'post_processor'>,
): Promise<BuiltTokenizer> {
  const { vocabulary, ...files } = await readBpe(input, className);
  return {
    ...files,
    json: { ...steps, decoder: { type: 'ByteLevel' }, model: { type: 'BPE', ...vocabulary } },
  };
}

const bytes = ({ settings: { config } }: ClassInput, use_regex = true): Step => ({
  type: 'ByteLevel',
  add_prefix_space: config.add_prefix_space ?? false,
  use_regex,
});

/** RoBERTa's names, which CamemBERT and XLM-R have too. */
export const ROBERTA_SPECIAL = {
  bos_token: '<s>',
  eos_token: '</s>',
  sep_token: '</s>',
  cls_token: '<s>',
  unk_token: '<unk>',
  pad_token: '<pad>',
  mask_token: '<mask>',
} as const;

export const robertaClass: TokenizerClass = {
  special: ROBERTA_SPECIAL,
  async build(input) {
    const built = await byteLevel(input, 'RobertaTokenizer', { pre_tokenizer: bytes(input) });
    return { ...built, template: { before: ['cls_token'], after: ['sep_token'] } };
  },
};

/** It takes nothing from the post-processor of `tokenizer.json`. */
export const gptNeoxClass: TokenizerClass = {
  special: {
    bos_token: END_OF_TEXT,
    eos_token: END_OF_TEXT,
    unk_token: END_OF_TEXT,
    pad_token: '<|padding|>',
  },
  build: (input) =>
    byteLevel(input, 'GPTNeoXTokenizer', { normalizer: { type: 'NFC' }, pre_tokenizer: bytes(input) }),
};

export const qwen2Class: TokenizerClass = {
  special: { eos_token: END_OF_TEXT, unk_token: END_OF_TEXT, pad_token: END_OF_TEXT },
  build(input) {
    const split = { type: 'Split', pattern: { Regex: QWEN2_WORDS }, behavior: 'Isolated', invert: false };
    const pretokenizers = [split, bytes(input, false)];
    return byteLevel(input, 'Qwen2Tokenizer', {
      normalizer: { type: 'NFC' },
      pre_tokenizer: { type: 'Sequence', pretokenizers },
      post_processor: input.json?.post_processor,
    });
  },
};

export const codeGenClass: TokenizerClass = {
  special: { bos_token: END_OF_TEXT, eos_token: END_OF_TEXT, unk_token: END_OF_TEXT },
  build: (input) =>
    byteLevel(input, 'CodeGenTokenizer', {
      pre_tokenizer: bytes(input),
      post_processor: input.json?.post_processor,
    }),
};
