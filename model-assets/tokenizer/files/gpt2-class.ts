/** @module `GPT2Tokenizer`: byte-level BPE without a template. */
import { CheckpointError } from '../../checkpoint/interface/errors.ts';
import { fail, type TokenizerFolder } from './folder.ts';
import type { BuiltTokenizer, ClassInput, TokenizerClass } from './tokenizer-class.ts';
import { idsByToken } from './tokenizer-json.ts';

const END_OF_TEXT = '<|endoftext|>';
const TOKENIZER_JSON = 'tokenizer.json';
const VOCAB = 'vocab.json';
const MERGES = 'merges.txt';

export const gpt2Class: TokenizerClass = {
  special: { bos_token: END_OF_TEXT, eos_token: END_OF_TEXT, unk_token: END_OF_TEXT },
  async build(input) {
    const bpe = await readBpe(input, 'GPT2Tokenizer');
    return {
      ...bpe,
      json: {
        pre_tokenizer: {
          type: 'ByteLevel',
          add_prefix_space: input.settings.config.add_prefix_space ?? false,
          use_regex: true,
        },
        post_processor: input.json?.post_processor,
        decoder: { type: 'ByteLevel' },
        model: { type: 'BPE', ...bpe.vocabulary },
      },
    };
  },
};

interface BpeFiles extends Omit<BuiltTokenizer, 'json'> {
  readonly vocabulary: { readonly vocab: unknown; readonly merges: unknown };
}

/** Vocabulary and merges: of `tokenizer.json`, else of `vocab.json` and `merges.txt`. */
export async function readBpe({ folder, json }: ClassInput, className: string): Promise<BpeFiles> {
  if (json) {
    const { type = 'BPE', vocab, merges } = json.model; // the type is missing in files of the first releases
    if (type !== 'BPE') {
      fail(
        TOKENIZER_JSON,
        `model.type is "${type}", but ${className}, the tokenizer's class, reads BPE only. If the file is right, ` +
          'name the class PreTrainedTokenizerFast in tokenizer_config.json',
      );
    }
    return { vocabulary: { vocab, merges }, file: TOKENIZER_JSON };
  }
  if (!folder.has(VOCAB) || !folder.has(MERGES)) {
    throw new CheckpointError(`no tokenizer: expected ${TOKENIZER_JSON}, or ${VOCAB} and ${MERGES}`);
  }
  const vocab = await folder.json(VOCAB, idsByToken);
  const lines = await readMerges(folder);
  return {
    vocabulary: { vocab, merges: lines.map(({ text }) => text) },
    file: VOCAB,
    mergeLocation: (rank) => `${MERGES} line ${lines[rank]?.number}`,
  };
}

async function readMerges(folder: TokenizerFolder): Promise<{ text: string; number: number }[]> {
  const lines = (await folder.text(MERGES)).split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  return lines.map((text, i) => ({ text, number: i + 1 })).filter(({ text }) => !text.startsWith('#version'));
}
