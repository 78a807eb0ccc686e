/** @module BPE of SentencePiece: `LlamaTokenizer`, `ReformerTokenizer`, and the class that has no steps of its own. */
import { fail } from './folder.ts';
import {
  addedPieces,
  bpeOf,
  charsmapIn,
  charsmapOf,
  readSentencePiece,
  scoredPieces,
} from './sentencepiece-files.ts';
import { contentOf } from './settings.ts';
import type { BuiltTokenizer, ClassInput, TokenizerClass } from './tokenizer-class.ts';
import type { ModelJson, Step } from './tokenizer-json.ts';

const TOKENIZER_JSON = 'tokenizer.json';
const MODEL = 'tokenizer.model';
const SPIECE = 'spiece.model';

const SPACES: Step = { type: 'Replace', pattern: { String: '▁' }, content: ' ' };
const BYTES: readonly Step[] = [{ type: 'ByteFallback' }, { type: 'Fuse' }];

export const llamaClass: TokenizerClass = {
  special: { bos_token: '<s>', eos_token: '</s>', unk_token: '<unk>' },
  async build(input): Promise<BuiltTokenizer> {
    const { config } = input.settings;
    const { vocabulary, charsmap: _, ...files } = await readBpe(input, 'LlamaTokenizer', MODEL);
    const addsSpace = config.add_prefix_space ?? true;
    const strip: Step[] = addsSpace ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : [];
    const scheme = config.legacy ? 'always' : 'first';
    return {
      ...files,
      json: {
        pre_tokenizer: {
          type: 'Metaspace',
          replacement: '▁',
          prepend_scheme: addsSpace ? scheme : 'never',
          split: false,
        },
        post_processor: input.json?.post_processor,
        decoder: { type: 'Sequence', decoders: [SPACES, ...BYTES, ...strip] },
        model: { type: 'BPE', unk_token: null, fuse_unk: true, byte_fallback: true, ...vocabulary },
      },
    };
  },
};

export const reformerClass: TokenizerClass = {
  special: { eos_token: '</s>', unk_token: '<unk>' },
  async build(input): Promise<BuiltTokenizer> {
    const { vocabulary, charsmap, ...files } = await readBpe(input, 'ReformerTokenizer', SPIECE);
    const unknown = input.special.get('unk_token');
    const metaspace = { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true };
    const normalizers: Step[] = [
      { type: 'Precompiled', precompiled_charsmap: charsmap },
      { type: 'Replace', pattern: { Regex: ' {2,}' }, content: ' ' },
    ];
    return {
      ...files,
      json: {
        normalizer: charsmap === '' ? null : { type: 'Sequence', normalizers },
        pre_tokenizer: metaspace,
        decoder: metaspace,
        model: {
          type: 'BPE',
          unk_token: unknown ? contentOf(unknown) : 'None',
          fuse_unk: true,
          byte_fallback: false,
          ...vocabulary,
        },
      },
    };
  },
};

interface BpeFiles extends Omit<BuiltTokenizer, 'json'> {
  readonly vocabulary: Pick<ModelJson, 'vocab' | 'merges'>;
  /** Base64; '' for none. */
  readonly charsmap: string;
}

/** @param name of the class's file */
async function readBpe(input: ClassInput, className: string, name: string): Promise<BpeFiles> {
  if (!input.json) {
    const model = await readSentencePiece(input, name);
    return {
      file: model.file,
      extraSpecial: addedPieces(model),
      vocabulary: bpeOf(model),
      charsmap: charsmapOf(model),
    };
  }
  const { vocab, merges = [] } = input.json.model;
  if (Array.isArray(vocab)) {
    fail(TOKENIZER_JSON, `model.type is "Unigram", but ${className}, the tokenizer's class, reads BPE only`);
  }
  return { file: TOKENIZER_JSON, vocabulary: { vocab, merges }, charsmap: charsmapIn(input.json.normalizer) };
}

/** `PreTrainedTokenizerFast` without `tokenizer.json`: what `build_tokenizer_from_spm_proto` makes of the file. */
export async function fromSentencePiece(input: ClassInput): Promise<BuiltTokenizer> {
  const model = await readSentencePiece(input, MODEL);
  const { ids, names, byteFallback } = model;
  const charsmap = charsmapOf(model);
  const normalizers: Step[] = [
    ...(charsmap === '' ? [] : [{ type: 'Precompiled', precompiled_charsmap: charsmap }]),
    { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
  ];
  return {
    file: model.file,
    extraSpecial: addedPieces(model),
    special: {
      ...(ids.bos >= 0 && { bos_token: names.bos }),
      ...(ids.eos >= 0 && { eos_token: names.eos }),
      ...(ids.unk >= 0 && { unk_token: names.unk }),
    },
    json: {
      normalizer: { type: 'Sequence', normalizers },
      decoder: { type: 'Sequence', decoders: [SPACES, ...(byteFallback ? BYTES : [])] },
      model:
        model.modelType === 'unigram'
          ? { type: 'Unigram', vocab: scoredPieces(model), unk_id: ids.unk, byte_fallback: byteFallback }
          : {
              type: 'BPE',
              unk_token: names.unk,
              fuse_unk: true,
              byte_fallback: byteFallback,
              ...bpeOf(model),
            },
    },
  };
}
