/**
 * @module The files of a Hugging Face tokenizer → GPT-2's vocabulary, as the files have it.
 *
 * Only GPT-2's byte-level BPE (its `encoder.py`, transformers' `GPT2TokenizerFast`) is taken. A field that would make
 * the reference give other ids or another text than the Worker's tokenizer is an error; what only matters to
 * training, padding or offsets is ignored.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { readJson } from '../checkpoint/config.ts';
import { CheckpointError } from '../checkpoint/errors.ts';

/** Special in GPT-2's tokenizer whether or not a file says so. */
const END_OF_TEXT = '<|endoftext|>';

const no = z.literal([false, null]).optional();
const none = z.literal(['', null]).optional();

const addedToken = z.object({
  content: z.string().min(1),
  special: z.boolean().optional(),
  // Of a token that is told apart by the characters around it, or takes white space with it.
  single_word: no,
  lstrip: no,
  rstrip: no,
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
  add_prefix_space: no,
  add_bos_token: no,
  add_eos_token: no,
  added_tokens_decoder: z.record(z.string().regex(/^\d+$/), addedToken).optional(),
});

// Not z.record, which leaves out a token named __proto__; the ids are checked by tokensById.
const idsByToken = z.custom<Record<string, number>>(
  (ids) => typeof ids === 'object' && ids !== null,
  'expected an object of ids by token',
);

/** Beside `vocab.json`, which does not say itself how it is used: RoBERTa's or CLIP's looks the same. */
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
    type: z.literal('BPE').optional(), // files of the first releases don't have it
    dropout: z.literal([0, null]).optional(),
    continuing_subword_prefix: none,
    end_of_word_suffix: none,
    byte_fallback: no,
    ignore_merges: no,
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

/** What a file says of a token beside the vocabulary: its id there, or that it is special, or both. */
export interface Mention {
  readonly where: string;
  readonly content: string;
  readonly id?: number;
  readonly special?: boolean | undefined;
}

export interface Vocabulary {
  readonly file: string;
  readonly ids: ReadonlyMap<string, number>;
  readonly merges: readonly { readonly where: string; readonly pair: readonly string[] }[];
  readonly mentions: readonly Mention[];
}

/**
 * Reads `vocab.json` and `merges.txt` of `dir` when both are there, else `tokenizer.json`, and the files beside them.
 * Checked is what the files say of themselves, not whether ids, tokens and merges fit together.
 *
 * @returns also the names of the files that were read.
 * @throws CheckpointError if there are no such files or they are of another kind of tokenizer.
 */
export async function readVocabulary(dir: string): Promise<Vocabulary & { sources: string[] }> {
  const folder = new Folder(dir);
  const vocabulary = (await readVocabAndMerges(folder)) ?? (await readTokenizerJson(folder));
  if (!vocabulary)
    throw new CheckpointError('no tokenizer: expected vocab.json and merges.txt, or tokenizer.json');
  const mentions = [...vocabulary.mentions, ...(await readMentions(folder))];
  if (vocabulary.ids.has(END_OF_TEXT)) {
    mentions.push({ where: vocabulary.file, content: END_OF_TEXT, special: true });
  }
  return { ...vocabulary, mentions, sources: [...folder.sources] };
}

/** A folder that remembers what was read from it. */
class Folder {
  readonly sources = new Set<string>();
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  has(name: string): boolean {
    return existsSync(join(this.#dir, name));
  }

  async text(name: string): Promise<string> {
    this.sources.add(name);
    return readFile(join(this.#dir, name), 'utf8');
  }

  /** Undefined if there is no such file. */
  async json<Schema extends z.ZodType>(name: string, schema: Schema): Promise<z.infer<Schema> | undefined> {
    const json = await readJson(this.#dir, name);
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
    .map((line, i) => ({ where: `merges.txt line ${i + 1}`, pair: line.split(' ') }))
    .filter(({ pair }) => !pair[0]?.startsWith('#version'));
  const extra = Object.entries((await folder.json('added_tokens.json', idsByToken)) ?? {});
  return {
    file,
    ids,
    merges,
    mentions: extra.map(([content, id]) => ({ where: 'added_tokens.json', content, id })),
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
        where: `${file} model.merges.${rank}`,
        pair: typeof merge === 'string' ? merge.split(' ') : merge,
      })),
      mentions: json.added_tokens.map((token, i) => ({ where: `${file} added_tokens.${i}`, ...token })),
    }
  );
}

async function readMentions(folder: Folder): Promise<Mention[]> {
  const config = await folder.json('tokenizer_config.json', tokenizerConfig);
  const declared = Object.entries(config?.added_tokens_decoder ?? {});
  return [
    ...declared.map(([id, token]) => ({
      where: `tokenizer_config.json added_tokens_decoder.${id}`,
      ...token,
      id: Number(id),
    })),
    ...specialMentions('tokenizer_config.json', config),
    ...specialMentions(
      'special_tokens_map.json',
      await folder.json('special_tokens_map.json', specialTokens),
    ),
  ];
}

function specialMentions(file: string, fields: z.infer<typeof specialTokens> | undefined): Mention[] {
  return Object.keys(specialTokens.shape).flatMap((name) => {
    const value = fields?.[name as keyof typeof fields] ?? [];
    const contents = typeof value === 'string' ? [value] : Object.values(value);
    return contents.map((content) => ({ where: `${file} ${name}`, content, special: true }));
  });
}
