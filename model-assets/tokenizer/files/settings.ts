/**
 * @module The files beside a tokenizer's vocabulary: `tokenizer_config.json`, `special_tokens_map.json`,
 * `added_tokens.json`. What counts of them is what transformers 5 takes from them.
 */
import * as z from 'zod';
import { type AddedTokenFlags, addedToken } from './added-vocabulary.ts';
import { excerpt, fail, type TokenizerFolder } from './folder.ts';
import { addedTokenSchema, idsByToken } from './tokenizer-json.ts';

/** Names of special tokens, in the order in which the reference adds them. */
export const SPECIAL_NAMES = [
  'bos_token',
  'eos_token',
  'unk_token',
  'sep_token',
  'pad_token',
  'cls_token',
  'mask_token',
] as const;
export type SpecialName = (typeof SPECIAL_NAMES)[number];

/** A special token as a file names it: its content, or with flags. null: there is none. */
export type NamedToken = string | AddedTokenFlags | null;

const CONFIG = 'tokenizer_config.json';
const SPECIAL_MAP = 'special_tokens_map.json';
const ADDED_TOKENS = 'added_tokens.json';

const config = z.looseObject({
  tokenizer_class: z.string().max(100).nullish(),
  add_prefix_space: z.boolean().nullish(),
  add_bos_token: z.boolean().nullish(),
  add_eos_token: z.boolean().nullish(),
  split_special_tokens: z.boolean().nullish(),
  do_lower_case: z.boolean().nullish(),
  tokenize_chinese_chars: z.boolean().nullish(),
  strip_accents: z.boolean().nullish(),
  keep_accents: z.boolean().nullish(),
  legacy: z.boolean().nullish(),
  extra_ids: z.int().nonnegative().nullish(),
  split_by_punct: z.boolean().nullish(),
  unk_id: z.int().nonnegative().nullish(),
  clean_up_tokenization_spaces: z.boolean().nullish(),
  clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output: z.boolean().nullish(),
  added_tokens_decoder: z.record(z.string().regex(/^\d+$/), addedTokenSchema).nullish(),
});
export type TokenizerConfig = z.infer<typeof config>;

export interface TokenizerSettings {
  /** `tokenizer_config.json`; {} if there is none. */
  readonly config: TokenizerConfig;
  /** By name; a name that no file has is missing. */
  readonly special: ReadonlyMap<string, NamedToken>;
  readonly extraSpecial: readonly (string | AddedTokenFlags)[];
  /** Whether `tokenizer_config.json` lists special tokens without names: then those of the class do not count. */
  readonly listsExtraSpecial: boolean;
  /** Tokens that the files declare as added, in the order in which they get their ids. */
  readonly added: readonly AddedTokenFlags[];
}

/** @param tokenizerJsonTokens the `added_tokens` of `tokenizer.json`, with their ids there */
export async function readSettings(
  folder: TokenizerFolder,
  tokenizerJsonTokens: readonly (readonly [id: number, token: AddedTokenFlags])[],
): Promise<TokenizerSettings> {
  const read = (await folder.json(CONFIG, config)) ?? {};
  const special = new Map<string, NamedToken>();
  let extraSpecial = takeSpecial(CONFIG, read, special);
  const decoder = new Map<number, AddedTokenFlags>();
  if (read.added_tokens_decoder) {
    for (const [id, token] of Object.entries(read.added_tokens_decoder)) decoder.set(Number(id), token);
  } else {
    // Files of earlier versions.
    const map = await folder.json(SPECIAL_MAP, z.looseObject({}));
    // Those that the map names `additional_special_tokens` do not make an added token special.
    const knownExtra = map && !Array.isArray(map.extra_special_tokens) ? extraSpecial : undefined;
    if (map) extraSpecial = [...extraSpecial, ...takeSpecial(SPECIAL_MAP, map, special)];
    const named = SPECIAL_NAMES.map((name) => special.get(name));
    const contents = new Set(
      [...named, ...(knownExtra ?? extraSpecial)].map((token) => token && contentOf(token)),
    );
    const ids = (await folder.json(ADDED_TOKENS, idsByToken)) ?? {};
    for (const [content, id] of Object.entries(ids)) {
      if (!Number.isInteger(id) || id < 0) fail(ADDED_TOKENS, `"${content}" has id ${excerpt(id)}`);
      decoder.set(id, addedToken(content, contents.has(content)));
    }
    for (const [id, token] of tokenizerJsonTokens) decoder.set(id, token);
  }
  const added = [...decoder].sort(([a], [b]) => a - b).map(([, token]) => token);
  const byContent = new Map(added.map((token) => [token.content, token]));
  for (const [name, token] of special) {
    const known = token && byContent.get(contentOf(token));
    if (known) special.set(name, known);
  }
  const listsExtraSpecial = 'extra_special_tokens' in read || 'additional_special_tokens' in read;
  return { config: read, special, extraSpecial, listsExtraSpecial, added };
}

export const contentOf = (token: string | AddedTokenFlags): string =>
  typeof token === 'string' ? token : token.content;

/**
 * Takes the named special tokens of a file; also those of one model only (`image_token`).
 * @returns the tokens without names
 */
function takeSpecial(
  file: string,
  fields: Readonly<Record<string, unknown>>,
  special: Map<string, NamedToken>,
): (string | AddedTokenFlags)[] {
  for (const [name, value] of Object.entries(fields)) {
    const isNamed = SPECIAL_NAMES.some((known) => known === name);
    if (!isNamed && !(name.endsWith('_token') && typeof value === 'string')) continue;
    special.set(name, value === null ? null : tokenOf(`${file}: ${name}`, value, true));
  }
  const { extra_special_tokens: extra, additional_special_tokens: additional } = fields;
  if (Array.isArray(extra) && extra.length > 0) return listOf(file, 'extra_special_tokens', extra);
  // An object names tokens of one model.
  for (const [name, token] of Object.entries(objectOf(file, extra))) {
    special.set(name, tokenOf(`${file}: extra_special_tokens.${name}`, token, true));
  }
  return Array.isArray(additional) ? listOf(file, 'additional_special_tokens', additional) : [];
}

const listOf = (file: string, field: string, tokens: readonly unknown[]) =>
  tokens.map((token, i) => tokenOf(`${file}: ${field}.${i}`, token, undefined));

function objectOf(file: string, value: unknown): object {
  if (typeof value === 'object' && value !== null) return value;
  return value == null ? {} : fail(file, `extra_special_tokens is ${excerpt(value)}`);
}

/** @param special whether the token is special, whatever the file says */
function tokenOf(location: string, value: unknown, special: true | undefined): string | AddedTokenFlags {
  if (typeof value === 'string') return value;
  const parsed = addedTokenSchema.safeParse(
    special && typeof value === 'object' && value !== null ? { ...value, special } : value,
  );
  return parsed.success ? parsed.data : fail(location, `expected a token, found ${excerpt(value)}`);
}
