/** @module The classes of transformers that are Unigram with SentencePiece's files: T5, ALBERT, XLNet, CamemBERT, XLM-R, DeBERTa-v2. */

import type { AddedTokenFlags } from './added-vocabulary.ts';
import { addedToken } from './added-vocabulary.ts';
import { BERT_SPECIAL } from './bert-class.ts';
import { ROBERTA_SPECIAL } from './byte-level-classes.ts';
import { fail } from './folder.ts';
import {
  addedPieces,
  charsmapIn,
  charsmapOf,
  readSentencePiece,
  scoredPieces,
} from './sentencepiece-files.ts';
import { contentOf, type NamedToken } from './settings.ts';
import type { BuiltTokenizer, ClassInput, TokenizerClass } from './tokenizer-class.ts';
import { type ModelJson, modelTypeOf, type Step } from './tokenizer-json.ts';

const TOKENIZER_JSON = 'tokenizer.json';
const SPIECE = 'spiece.model';
const SENTENCEPIECE_BPE = 'sentencepiece.bpe.model';
const SPM = 'spm.model';
/** Of T5. */
const MAX_EXTRA_IDS = 2 ** 16;

type Pieces = readonly (readonly [token: string, score: number])[];

interface UnigramFiles {
  readonly file: string;
  readonly vocab: Pieces;
  /** Base64; '' for none. */
  readonly charsmap: string;
  /** Tokens that the model's file declares as added; undefined if they come from `tokenizer.json`. */
  readonly added: readonly AddedTokenFlags[] | undefined;
  /** Of the model's file, else of the settings. */
  readonly unknownId: number | undefined;
}

/** @param arrange the class's own vocabulary of the pieces of a SentencePiece file */
async function readUnigram(
  input: ClassInput,
  className: string,
  name: string,
  arrange: (pieces: Pieces) => Pieces = (pieces) => pieces,
): Promise<UnigramFiles> {
  const { json } = input;
  if (!json) {
    const model = await readSentencePiece(input, name);
    return {
      file: model.file,
      vocab: arrange(scoredPieces(model)),
      charsmap: charsmapOf(model),
      added: addedPieces(model),
      unknownId: model.ids.unk,
    };
  }
  const { vocab } = json.model;
  if (modelTypeOf(json.model) !== 'Unigram' || !Array.isArray(vocab)) {
    return fail(
      TOKENIZER_JSON,
      `model.type is "${modelTypeOf(json.model)}", but ${className}, the tokenizer's class, reads Unigram only`,
    );
  }
  return {
    file: TOKENIZER_JSON,
    vocab,
    charsmap: charsmapIn(json.normalizer),
    added: undefined,
    unknownId: input.settings.config.unk_id ?? undefined,
  };
}

const precompiled = (charsmap: string): Step[] =>
  charsmap === '' ? [] : [{ type: 'Precompiled', precompiled_charsmap: charsmap }];

/** Words are split at white space, and begin with SentencePiece's mark. */
function metaspaces(addPrefixSpace: boolean): { pre_tokenizer: Step; decoder: Step } {
  const metaspace = {
    type: 'Metaspace',
    replacement: '▁',
    prepend_scheme: addPrefixSpace ? 'always' : 'never',
    split: true,
  };
  const pretokenizers = [{ type: 'WhitespaceSplit' }, metaspace];
  return { pre_tokenizer: { type: 'Sequence', pretokenizers }, decoder: metaspace };
}

const unigram = (vocab: Pieces, unk_id: number): ModelJson => ({
  type: 'Unigram',
  vocab,
  unk_id,
  byte_fallback: false,
});

const nameOf = (special: ReadonlyMap<string, NamedToken>, name: string): string => {
  const token = special.get(name);
  return token ? contentOf(token) : 'None'; // Python's str(None)
};

export const t5Class: TokenizerClass = {
  special: { eos_token: '</s>', unk_token: '<unk>', pad_token: '<pad>' },
  async build(input): Promise<BuiltTokenizer> {
    const { config } = input.settings;
    const count = config.extra_ids ?? 100;
    if (count > MAX_EXTRA_IDS)
      fail('tokenizer_config.json', `extra_ids is ${count}, more than ${MAX_EXTRA_IDS}`);
    const names = Array.from({ length: count }, (_, i) => `<extra_id_${i}>`);
    const arrange = (pieces: Pieces): Pieces => [
      ...pieces,
      ...names.toReversed().map((name) => [name, 0] as const),
    ];
    const { file, vocab, charsmap, added = [] } = await readUnigram(input, 'T5Tokenizer', SPIECE, arrange);
    const hasExtra = added.some(({ content }) => content.includes('<extra_id_'));
    return {
      file,
      extraSpecial: hasExtra ? added : [...added, ...names],
      template: { before: [], after: ['eos_token'] },
      json: {
        normalizer: { type: 'Sequence', normalizers: precompiled(charsmap) },
        ...metaspaces(true),
        // The class has the unknown token there, wherever the file has it.
        model: unigram(vocab, 2),
      },
    };
  },
};

/** What ALBERT and XLNet do before SentencePiece's map. */
function cleaned(
  options: { readonly accents: boolean; readonly lowercase: boolean },
  charsmap: string,
): Step {
  const quotes = ['``', "''"].map((quote) => ({ type: 'Replace', pattern: { String: quote }, content: '"' }));
  const normalizers: Step[] = [
    ...quotes,
    ...(options.accents ? [] : [{ type: 'NFKD' }, { type: 'StripAccents' }]),
    ...(options.lowercase ? [{ type: 'Lowercase' }] : []),
    ...precompiled(charsmap),
  ];
  return { type: 'Sequence', normalizers };
}

export const albertClass: TokenizerClass = {
  special: {
    ...{ bos_token: '[CLS]', eos_token: '[SEP]', ...BERT_SPECIAL },
    ...{ unk_token: '<unk>', pad_token: '<pad>' },
  },
  async build(input): Promise<BuiltTokenizer> {
    const { config } = input.settings;
    const { file, vocab, charsmap, added } = await readUnigram(input, 'AlbertTokenizer', SPIECE);
    const options = { accents: config.keep_accents ?? false, lowercase: config.do_lower_case ?? true };
    const processor = input.json?.post_processor;
    return {
      file,
      ...(added && { extraSpecial: added }),
      ...(!processor && { template: { before: ['cls_token'], after: ['sep_token'] } }),
      json: {
        normalizer: cleaned(options, charsmap),
        ...metaspaces(config.add_prefix_space ?? true),
        post_processor: processor,
        model: unigram(vocab, 1),
      },
    };
  },
};

export const xlnetClass: TokenizerClass = {
  special: {
    bos_token: '<s>',
    eos_token: '</s>',
    unk_token: '<unk>',
    sep_token: '<sep>',
    pad_token: '<pad>',
    cls_token: '<cls>',
    mask_token: addedToken('<mask>', true, { lstrip: true, normalized: true }),
  },
  async build(input): Promise<BuiltTokenizer> {
    const { config } = input.settings;
    const { file, vocab, charsmap, added, unknownId } = await readUnigram(input, 'XLNetTokenizer', SPIECE);
    return {
      file,
      extraSpecial: added ?? ['<eop>', '<eod>'],
      template: { before: [], after: ['sep_token', 'cls_token'] },
      json: {
        normalizer: cleaned({ accents: false, lowercase: config.do_lower_case ?? false }, charsmap),
        ...metaspaces(true),
        model: unigram(vocab, unknownId ?? 0),
      },
    };
  },
};

export const camembertClass: TokenizerClass = {
  special: { ...ROBERTA_SPECIAL, mask_token: addedToken('<mask>', true, { lstrip: true }) },
  async build(input): Promise<BuiltTokenizer> {
    const name = (token: string) => nameOf(input.special, token);
    const arrange = (pieces: Pieces): Pieces => [
      ['<s>NOTUSED', 0],
      [name('pad_token'), 0],
      ['</s>NOTUSED', 0],
      [name('unk_token'), 0],
      ['<unk>NOTUSED', -100],
      ...pieces.slice(1),
      [name('mask_token'), 0],
    ];
    const files = await readUnigram(input, 'CamembertTokenizer', SENTENCEPIECE_BPE, arrange);
    const unknown = files.vocab.findIndex(([token]) => token === name('unk_token'));
    return {
      file: files.file,
      extraSpecial: files.added ?? ['<s>NOTUSED', '</s>NOTUSED', '<unk>NOTUSED'],
      template: { before: ['bos_token'], after: ['eos_token'] },
      json: {
        normalizer: { type: 'Sequence', normalizers: precompiled(files.charsmap) },
        ...metaspaces(input.settings.config.add_prefix_space ?? true),
        model: unigram(files.vocab, Math.max(0, unknown)),
      },
    };
  },
};

export const xlmRobertaClass: TokenizerClass = {
  special: ROBERTA_SPECIAL,
  async build(input): Promise<BuiltTokenizer> {
    const first = ['bos_token', 'pad_token', 'eos_token', 'unk_token'].map(
      (name) => [nameOf(input.special, name), 0] as const,
    );
    const arrange = (pieces: Pieces): Pieces => [
      ...first,
      ...pieces.slice(3),
      [nameOf(input.special, 'mask_token'), 0],
    ];
    const files = await readUnigram(input, 'XLMRobertaTokenizer', SENTENCEPIECE_BPE, arrange);
    return {
      file: files.file,
      ...(files.added && { extraSpecial: files.added }),
      template: { before: ['bos_token'], after: ['eos_token'] },
      json: {
        normalizer: { type: 'Sequence', normalizers: precompiled(files.charsmap) },
        ...metaspaces(input.settings.config.add_prefix_space ?? true),
        model: unigram(files.vocab, 3),
      },
    };
  },
};

/** It takes nothing from the normalizer of either file, neither SentencePiece's map. */
export const debertaV2Class: TokenizerClass = {
  special: { bos_token: '[CLS]', eos_token: '[SEP]', ...BERT_SPECIAL },
  async build(input): Promise<BuiltTokenizer> {
    const { config } = input.settings;
    const { file, vocab, added, unknownId = 1 } = await readUnigram(input, 'DebertaV2Tokenizer', SPM);
    const unknown = nameOf(input.special, 'unk_token');
    const found = vocab.findIndex(([token, score]) => token === unknown && score === 0);
    const metaspace = {
      type: 'Metaspace',
      replacement: '▁',
      prepend_scheme: (config.add_prefix_space ?? true) ? 'always' : 'first',
      split: true,
    };
    const normalizers: Step[] = [
      ...(config.do_lower_case ? [{ type: 'Lowercase' }] : []),
      { type: 'Replace', pattern: { Regex: '\\s{2,}|[\\n\\r\\t]' }, content: ' ' },
      { type: 'NFC' },
      { type: 'Strip', strip_left: false, strip_right: true },
    ];
    const pretokenizers: Step[] = [
      ...(config.split_by_punct ? [{ type: 'Punctuation', behavior: 'Isolated' }] : []),
      metaspace,
    ];
    return {
      file,
      ...(added && { extraSpecial: added }),
      template: { before: ['cls_token'], after: ['sep_token'] },
      json: {
        normalizer: { type: 'Sequence', normalizers },
        pre_tokenizer: { type: 'Sequence', pretokenizers },
        decoder: metaspace,
        model: unigram(vocab, found >= 0 ? found : unknownId),
      },
    };
  },
};
