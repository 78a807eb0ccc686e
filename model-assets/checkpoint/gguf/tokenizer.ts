/**
 * @module The `tokenizer.json` and `tokenizer_config.json` of a GGUF file's metadata.
 *
 * llama.cpp's `convert_hf_to_gguf.py` writes each token as the vocabulary spells it, its type, and the merges.
 */
import { CheckpointError } from '../interface/errors.ts';
import type { Json } from '../interface/metadata.ts';
import { type GgufMetadata, tokenId } from './config.ts';

/** `llama_token_type`; 6, a byte of SentencePiece, does not occur in a byte-level vocabulary. */
const TYPE = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5 } as const;

/** Arrays of the metadata that are needed here. */
export const TOKENIZER_ARRAYS: ReadonlySet<string> = new Set([
  'tokenizer.ggml.tokens',
  'tokenizer.ggml.token_type',
  'tokenizer.ggml.merges',
]);

/** Names of `tokenizer.ggml.pre` that llama.cpp splits with GPT-2's regular expression. */
const GPT2_PRE_TOKENIZERS: ReadonlySet<unknown> = new Set([
  // Files from before that key was introduced have none.
  undefined,
  'default',
  'gpt-2',
  'phi-2',
  'roberta-bpe',
  'mpt',
  'olmo',
  'jais',
]);

/** The tokens of `tokenizer_config.json` by the key of their id. `seperator` is how llama.cpp spells it. */
const NAMED_TOKENS = {
  bos_token: 'tokenizer.ggml.bos_token_id',
  eos_token: 'tokenizer.ggml.eos_token_id',
  unk_token: 'tokenizer.ggml.unknown_token_id',
  sep_token: 'tokenizer.ggml.seperator_token_id',
  pad_token: 'tokenizer.ggml.padding_token_id',
  cls_token: 'tokenizer.ggml.cls_token_id',
  mask_token: 'tokenizer.ggml.mask_token_id',
} as const;

interface Token {
  readonly id: number;
  readonly content: string;
  readonly type: number;
}

/**
 * @param name of the file, for errors.
 * @returns both files, as JSON.
 * @throws CheckpointError for another tokenizer than byte-level BPE, or one that splits texts otherwise.
 */
export function tokenizerOfGguf(name: string, metadata: GgufMetadata): { tokenizer: Json; config: Json } {
  const model = metadata.get('tokenizer.ggml.model');
  if (model !== 'gpt2') {
    throw new CheckpointError(
      `${name}: tokenizer.ggml.model ${JSON.stringify(model)} is not supported, expected "gpt2"`,
    );
  }
  const pre = metadata.get('tokenizer.ggml.pre');
  if (!GPT2_PRE_TOKENIZERS.has(pre)) {
    throw new CheckpointError(
      `${name}: tokenizer.ggml.pre ${JSON.stringify(pre)} is not supported, expected "gpt-2"`,
    );
  }
  const tokens = tokensOf(name, metadata);
  const prefixSpace = metadata.get('tokenizer.ggml.add_space_prefix') === true;
  const byteLevel = { type: 'ByteLevel', add_prefix_space: prefixSpace, trim_offsets: true, use_regex: true };
  const named = namedTokens(name, metadata, tokens);
  return {
    tokenizer: {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: tokens.filter(isAdded).map(({ id, content, type }) => ({
        id,
        content,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: type !== TYPE.userDefined,
      })),
      normalizer: null,
      pre_tokenizer: byteLevel,
      post_processor: template(named, metadata) ?? byteLevel,
      decoder: byteLevel,
      model: {
        type: 'BPE',
        dropout: null,
        unk_token: null,
        continuing_subword_prefix: '',
        end_of_word_suffix: '',
        fuse_unk: false,
        byte_fallback: false,
        vocab: Object.fromEntries(tokens.map(({ content, id }) => [content, id])),
        merges: stringsOf(name, metadata, 'tokenizer.ggml.merges').map((merge) => pairOf(name, merge)),
      },
    },
    config: {
      tokenizer_class: 'PreTrainedTokenizerFast',
      add_prefix_space: prefixSpace,
      ...Object.fromEntries(named.map(({ field, content }) => [field, content])),
      ...(metadata.has('tokenizer.chat_template') && {
        chat_template: metadata.get('tokenizer.chat_template'),
      }),
    },
  };
}

const isAdded = ({ type }: Token) =>
  type === TYPE.control || type === TYPE.userDefined || type === TYPE.unknown;

/** @returns the tokens without the rows that only pad the vocabulary. */
function tokensOf(name: string, metadata: GgufMetadata): Token[] {
  const contents = stringsOf(name, metadata, 'tokenizer.ggml.tokens');
  const types = metadata.get('tokenizer.ggml.token_type');
  if (types !== undefined && !(Array.isArray(types) && types.length === contents.length)) {
    const found = Array.isArray(types) ? types.length : JSON.stringify(types);
    throw new CheckpointError(
      `${name}: tokenizer.ggml.token_type has ${found} entries, expected one for each of ` +
        `${contents.length} tokens`,
    );
  }
  const seen = new Map<string, number>();
  return contents.flatMap((content, id) => {
    // llama.cpp's converter has given padding rows this name always, and different types over time.
    if (content === `[PAD${id}]`) return [];
    const type = Number(types?.[id] ?? TYPE.normal);
    if (type === TYPE.unused) return [];
    const other = seen.get(content);
    if (other !== undefined)
      throw new CheckpointError(`${name}: tokens ${other} and ${id} are both ${JSON.stringify(content)}`);
    seen.set(content, id);
    return [{ id, content, type }];
  });
}

function stringsOf(name: string, metadata: GgufMetadata, key: string): readonly string[] {
  const value = metadata.get(key);
  const isStrings = Array.isArray(value) && (value.length === 0 || typeof value[0] === 'string');
  if (!isStrings) {
    const found = value === undefined ? 'missing' : `${JSON.stringify(value).slice(0, 100)}`;
    throw new CheckpointError(`${name}: ${key} is ${found}, expected an array of strings`);
  }
  return value;
}

function pairOf(name: string, merge: string): [string, string] {
  const [left, right, ...rest] = merge.split(' ');
  if (left && right && rest.length === 0) return [left, right];
  throw new CheckpointError(
    `${name}: tokenizer.ggml.merges has ${JSON.stringify(merge)}, expected two tokens with a space between`,
  );
}

interface NamedToken {
  readonly field: string;
  readonly id: number;
  readonly content: string;
}

function namedTokens(name: string, metadata: GgufMetadata, tokens: readonly Token[]): NamedToken[] {
  const contents = new Map(tokens.map(({ id, content }) => [id, content]));
  return Object.entries(NAMED_TOKENS).flatMap(([field, key]) => {
    const id = tokenId(name, metadata, key);
    const content = id === null ? undefined : contents.get(id);
    return id === null || content === undefined ? [] : [{ field, id, content }];
  });
}

/** @returns undefined if a text gets no tokens around it. */
function template(named: readonly NamedToken[], metadata: GgufMetadata): Json | undefined {
  const asked = (key: string, field: string) =>
    metadata.get(key) === true ? named.filter((token) => token.field === field) : [];
  const before = asked('tokenizer.ggml.add_bos_token', 'bos_token');
  const after = asked('tokenizer.ggml.add_eos_token', 'eos_token');
  if (before.length + after.length === 0) return undefined;
  const special = ({ content }: NamedToken) => ({ SpecialToken: { id: content, type_id: 0 } });
  const single = [...before.map(special), { Sequence: { id: 'A', type_id: 0 } }, ...after.map(special)];
  const pair = [
    ...single,
    ...before.map(special),
    { Sequence: { id: 'B', type_id: 1 } },
    ...after.map(special),
  ];
  return {
    type: 'TemplateProcessing',
    single,
    pair,
    special_tokens: Object.fromEntries(
      [...before, ...after].map(({ content, id }) => [
        content,
        { id: content, ids: [id], tokens: [content] },
      ]),
    ),
  };
}
