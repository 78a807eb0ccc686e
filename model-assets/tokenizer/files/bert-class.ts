/** @module `BertTokenizer`: WordPiece, with BERT's own way to clean and split a text. */

import { fail } from './folder.ts';
import { contentOf } from './settings.ts';
import type { BuiltTokenizer, ClassInput, TokenizerClass } from './tokenizer-class.ts';
import { modelTypeOf } from './tokenizer-json.ts';

const VOCAB = 'vocab.txt';
const TOKENIZER_JSON = 'tokenizer.json';

/** White space of Unicode, which the reference cuts off the end of a line. JavaScript's `trimEnd` differs from it. */
const WHITE_SPACE_AT_END = /[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+$/;

/** In the order in which they are added. */
export const BERT_SPECIAL = {
  unk_token: '[UNK]',
  sep_token: '[SEP]',
  pad_token: '[PAD]',
  cls_token: '[CLS]',
  mask_token: '[MASK]',
};

export const bertClass: TokenizerClass = {
  special: BERT_SPECIAL,
  async build(input): Promise<BuiltTokenizer> {
    const { config } = input.settings;
    const { vocab, file } = await readWords(input);
    const unknown = input.special.get('unk_token');
    return {
      file,
      template: { before: ['cls_token'], after: ['sep_token'] },
      json: {
        normalizer: {
          type: 'BertNormalizer',
          clean_text: true,
          handle_chinese_chars: config.tokenize_chinese_chars ?? true,
          strip_accents: config.strip_accents ?? null,
          lowercase: config.do_lower_case ?? true,
        },
        pre_tokenizer: { type: 'BertPreTokenizer' },
        decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
        model: { type: 'WordPiece', unk_token: unknown ? contentOf(unknown) : 'None', vocab },
      },
    };
  },
};

/** The vocabulary: of `tokenizer.json`, else the lines of `vocab.txt`. */
async function readWords({ folder, json }: ClassInput): Promise<{ vocab: unknown; file: string }> {
  if (json) {
    const type = modelTypeOf(json.model);
    if (type !== 'WordPiece') {
      fail(
        TOKENIZER_JSON,
        `model.type is "${type}", but BertTokenizer, the tokenizer's class, reads WordPiece only`,
      );
    }
    return { vocab: json.model.vocab, file: TOKENIZER_JSON };
  }
  if (!folder.has(VOCAB)) fail(VOCAB, `not found: BertTokenizer needs it, or ${TOKENIZER_JSON}`);
  const lines = (await folder.text(VOCAB)).split('\n');
  if (lines.at(-1) === '') lines.pop();
  // No prototype: a token may have the name of one of its members. Of equal lines, the last counts.
  const vocab: Record<string, number> = Object.create(null);
  for (const [id, line] of lines.entries()) vocab[line.replace(WHITE_SPACE_AT_END, '')] = id;
  return { vocab, file: VOCAB };
}
