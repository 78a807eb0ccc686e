/**
 * @module Reads GPT-2's vocabulary and merges from the files of a Hugging Face tokenizer.
 *
 * Only GPT-2's byte-level BPE is supported (its `encoder.py`, transformers' `GPT2TokenizerFast`). A field
 * that would make the reference encode or decode differently from the Worker's tokenizer is an error. Fields
 * that only affect training, padding or offsets are ignored.
 */
import * as z from 'zod';
import { CheckpointError } from './interface/errors.ts';
import { type Metadata, readJson } from './interface/metadata.ts';

/** GPT-2's tokenizer treats it as special even if no file declares it. */
const END_OF_TEXT = '<|endoftext|>';

const falseOrNull = z.literal([false, null]).optional();
const emptyOrNull = z.literal(['', null]).optional();

const addedToken = z.object({
  content: z.string().min(1),
  special: z.boolean().optional(),
  // Matching that depends on the surrounding characters, or strips white space, is not supported.
  single_word: falseOrNull,
  lstrip: falseOrNull,
  rstrip: falseOrNull,
});
const tokenName = z.union([z.string().min(1), addedToken.transform(({ content }) => content)]);

/** `special_tokens_map.json`, and the same fields of `tokenizer_config.json`. */
const specialTokens = z.object({
  bos_token: tokenName.nullish(),
  eos_token: tokenName.nullish(),
  unk_token: tokenName.nullish(),
  pad_token: tokenName.nullish(),
  sep_token: tokenName.nullish(),
  cls_token: tokenName.nullish(),
  mask_token: tokenName.nullish(),
  additional_special_tokens: z.array(tokenName).nullish(),
  extra_special_tokens: z.union([z.array(tokenName), z.record(z.string(), tokenName)]).nullish(),
});

const tokenizerConfig = z.object({
  ...specialTokens.shape,
  add_prefix_space: falseOrNull,
  add_bos_token: falseOrNull,
  add_eos_token: falseOrNull,
  added_tokens_decoder: z.record(z.string().regex(/^\d+$/), addedToken).optional(),
});

// Not z.record, which drops a token named __proto__. convert/tokenizer.ts checks the ids.
const idsByToken = z.custom<Record<string, number>>(
  (ids) => typeof ids === 'object' && ids !== null,
  'expected an object of ids by token',
);

/** `vocab.json` alone does not identify the tokenizer: RoBERTa's and CLIP's have the same format. */
const tokenizerClass = z.object({
  tokenizer_class: z
    .enum(['GPT2Tokenizer', 'GPT2TokenizerFast', 'PreTrainedTokenizerFast', 'TokenizersBackend'])
    .nullish(),
});

const tokenizerJson = z.object({
  normalizer: z.null().optional(),
  pre_tokenizer: z.object({
    type: z.literal('ByteLevel'),
    add_prefix_space: z.literal(false),
    use_regex: z.literal(true).optional(),
  }),
  post_processor: z.custom(addsNoTokens, 'expected one that adds no tokens').optional(),
  decoder: z.object({ type: z.literal('ByteLevel') }),
  added_tokens: z.array(z.object({ ...addedToken.shape, id: z.int() })).default([]),
  model: z.object({
    type: z.literal('BPE').optional(), // Missing in files of the first releases.
    dropout: z.literal([0, null]).optional(),
    continuing_subword_prefix: emptyOrNull,
    end_of_word_suffix: emptyOrNull,
    byte_fallback: falseOrNull,
    ignore_merges: falseOrNull,
    vocab: idsByToken,
    merges: z.array(z.union([z.string(), z.tuple([z.string(), z.string()])])),
  }),
});

function addsNoTokens(processor: unknown): boolean {
  const { type, single } = (processor ?? { type: 'ByteLevel' }) as { type?: unknown; single?: unknown };
  if (type === 'TemplateProcessing')
    return Array.isArray(single) && single.every((piece) => 'Sequence' in piece);
  return type === 'ByteLevel';
}

/** A token declared outside the vocabulary, with its id, or as special, or both. */
export interface TokenDeclaration {
  /** File and field, for errors. */
  readonly location: string;
  readonly content: string;
  readonly id?: number;
  readonly special?: boolean | undefined;
}

export interface Vocabulary {
  /** The file of `ids`, for errors. */
  readonly file: string;
  readonly ids: ReadonlyMap<string, number>;
  readonly merges: readonly { readonly location: string; readonly pair: readonly string[] }[];
  readonly declarations: readonly TokenDeclaration[];
}

/**
 * Reads `vocab.json` and `merges.txt` if both exist, else `tokenizer.json`, and the files that
 * accompany them. Each file is checked against its schema; `buildTokenizer` checks that ids, tokens and
 * merges are consistent.
 *
 * @returns also the names of the files that were read.
 * @throws CheckpointError if the files are missing or of another kind of tokenizer.
 */
export async function readVocabulary(metadata: Metadata): Promise<Vocabulary & { sources: string[] }> {
  const folder = new Folder(metadata);
  const vocabulary = (await readVocabAndMerges(folder)) ?? (await readTokenizerJson(folder));
  if (!vocabulary)
    throw new CheckpointError('no tokenizer: expected vocab.json and merges.txt, or tokenizer.json');
  const declarations = [...vocabulary.declarations, ...(await readDeclarations(folder))];
  if (vocabulary.ids.has(END_OF_TEXT)) {
    declarations.push({ location: vocabulary.file, content: END_OF_TEXT, special: true });
  }
  return { ...vocabulary, declarations, sources: [...folder.sources] };
}

/** Reads the files of a checkpoint and records their names. */
class Folder {
  readonly sources = new Set<string>();
  readonly #metadata: Metadata;

  constructor(metadata: Metadata) {
    this.#metadata = metadata;
  }

  has(name: string): boolean {
    return this.#metadata.has(name);
  }

  async text(name: string): Promise<string> {
    this.sources.add(name);
    return (await this.#metadata.text(name)) ?? '';
  }

  /** @returns undefined if the file does not exist. */
  async json<Schema extends z.ZodType>(name: string, schema: Schema): Promise<z.infer<Schema> | undefined> {
    const json = await readJson(this.#metadata, name);
    if (!json) return undefined;
    this.sources.add(name);
    const parsed = schema.safeParse(json, { reportInput: true });
    if (parsed.success) return parsed.data;
    const faults = parsed.error.issues.map(
      ({ path, message, input }) => `${name}: ${path.join('.')}: ${message}, found ${excerpt(input)}`,
    );
    throw new CheckpointError(faults.join('\n'));
  }
}

const excerpt = (value: unknown) => (JSON.stringify(value) ?? 'nothing').slice(0, 100);

async function readVocabAndMerges(folder: Folder): Promise<Vocabulary | undefined> {
  if (!folder.has('vocab.json') || !folder.has('merges.txt')) return undefined;
  await folder.json('tokenizer_config.json', tokenizerClass);
  const file = 'vocab.json';
  const ids = new Map<string, number>(Object.entries((await folder.json(file, idsByToken)) ?? {}));
  const lines = (await folder.text('merges.txt')).split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  const merges = lines
    .map((line, i) => ({ location: `merges.txt line ${i + 1}`, pair: line.split(' ') }))
    .filter(({ pair }) => !pair[0]?.startsWith('#version'));
  const extra = Object.entries((await folder.json('added_tokens.json', idsByToken)) ?? {});
  return {
    file,
    ids,
    merges,
    declarations: extra.map(([content, id]) => ({ location: 'added_tokens.json', content, id })),
  };
}

async function readTokenizerJson(folder: Folder): Promise<Vocabulary | undefined> {
  const file = 'tokenizer.json';
  const json = await folder.json(file, tokenizerJson);
  return (
    json && {
      file,
      ids: new Map(Object.entries(json.model.vocab)),
      merges: json.model.merges.map((merge, rank) => ({
        location: `${file} model.merges.${rank}`,
        pair: typeof merge === 'string' ? merge.split(' ') : merge,
      })),
      declarations: json.added_tokens.map((token, i) => ({
        location: `${file} added_tokens.${i}`,
        ...token,
      })),
    }
  );
}

async function readDeclarations(folder: Folder): Promise<TokenDeclaration[]> {
  const config = await folder.json('tokenizer_config.json', tokenizerConfig);
  const declared = Object.entries(config?.added_tokens_decoder ?? {});
  return [
    ...declared.map(([id, token]) => ({
      location: `tokenizer_config.json added_tokens_decoder.${id}`,
      ...token,
      id: Number(id),
    })),
    ...specialDeclarations('tokenizer_config.json', config),
    ...specialDeclarations(
      'special_tokens_map.json',
      await folder.json('special_tokens_map.json', specialTokens),
    ),
  ];
}

function specialDeclarations(
  file: string,
  fields: z.infer<typeof specialTokens> | undefined,
): TokenDeclaration[] {
  return Object.keys(specialTokens.shape).flatMap((name) => {
    const value = fields?.[name as keyof typeof fields] ?? [];
    const contents = typeof value === 'string' ? [value] : Object.values(value);
    return contents.map((content) => ({ location: `${file} ${name}`, content, special: true }));
  });
}
