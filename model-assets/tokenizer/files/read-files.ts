/**
 * @module Reads a checkpoint's tokenizer as transformers 5 does: which class it has, what the class takes from
 * `tokenizer.json`, and which tokens are added to it.
 */
import { CheckpointError } from '../../checkpoint/interface/errors.ts';
import type { Metadata } from '../../checkpoint/interface/metadata.ts';
import { type AddedTokenWithId, AddedVocabulary, addedToken } from './added-vocabulary.ts';
import { TOKENIZER_CLASSES, UNSUPPORTED_CLASSES } from './classes.ts';
import { fail, TokenizerFolder } from './folder.ts';
import { fromSentencePiece } from './llama-class.ts';
import {
  contentOf,
  type NamedToken,
  readSettings,
  SPECIAL_NAMES,
  type TokenizerSettings,
} from './settings.ts';
import type { BuiltTokenizer, ClassInput, TemplateNames, TokenizerClass } from './tokenizer-class.ts';
import { modelTypeOf, tokenizerJsonSchema } from './tokenizer-json.ts';
import { vocabularyOf } from './vocabulary.ts';

const TOKENIZER_JSON = 'tokenizer.json';
const CONFIG = 'tokenizer_config.json';
const SENTENCEPIECE = 'tokenizer.model';
/** The class of a GPT-2 whose files name none. */
const DEFAULT_CLASS = 'GPT2Tokenizer';

export interface TokenizerFiles extends Pick<BuiltTokenizer, 'json' | 'file' | 'mergeLocation'> {
  /** Ids of the model's own tokens. */
  readonly vocabulary: ReadonlyMap<string, number>;
  readonly added: readonly AddedTokenWithId[];
  /** What is added around a text, by the names of special tokens, if it is other than the post-processor's. */
  readonly template: TemplateNames | undefined;
  /** By name. */
  readonly special: ReadonlyMap<string, NamedToken>;
  /** Whether special tokens in a text are text, if nobody says otherwise. */
  readonly splitSpecialTokens: boolean;
  /** Whether spaces before punctuation are removed from texts. As in the reference, never with BPE, unless it is forced. */
  readonly cleanUp: boolean;
  /** Names of the files that were read. */
  readonly sources: readonly string[];
}

/** @throws CheckpointError if files are missing, invalid, or of a tokenizer that is not supported */
export async function readTokenizerFiles(metadata: Metadata): Promise<TokenizerFiles> {
  const folder = new TokenizerFolder(metadata);
  const json = await folder.json(TOKENIZER_JSON, tokenizerJsonSchema);
  const fileTokens = json?.added_tokens ?? [];
  const settings = await readSettings(
    folder,
    fileTokens.map(({ id, ...token }) => [id, token]),
  );
  const tokenizerClass = await classOf(folder, settings);
  const named = new Map([...Object.entries(tokenizerClass?.special ?? {}), ...settings.special]);
  const built = await build(tokenizerClass, { folder, settings, special: named, json });
  const special = inOrder(new Map<string, NamedToken>([...Object.entries(built.special ?? {}), ...named]));
  const vocabulary = vocabularyOf(built);
  const added = new AddedVocabulary(vocabulary);
  if (!tokenizerClass) for (const { id: _, ...token } of fileTokens) added.add(token);
  const extra = settings.listsExtraSpecial ? undefined : built.extraSpecial;
  addTokens(added, settings.added, special, extra ?? settings.extraSpecial);
  return {
    ...built,
    vocabulary,
    added: added.list(),
    template: templateOf(settings, built, json !== undefined),
    special,
    splitSpecialTokens: settings.config.split_special_tokens ?? false,
    cleanUp: cleansUp(settings, modelTypeOf(built.json.model)),
    sources: [...folder.sources],
  };
}

/** @returns undefined: the tokenizer is what `tokenizer.json` says */
async function classOf(
  folder: TokenizerFolder,
  { config }: TokenizerSettings,
): Promise<TokenizerClass | undefined> {
  const named = config.tokenizer_class ?? (await folder.modelTokenizerClass()) ?? DEFAULT_CLASS;
  const name = named.replace(/Fast$/, '');
  if (UNSUPPORTED_CLASSES.has(name)) {
    fail(
      CONFIG,
      `tokenizer_class "${named}" is not supported: transformers has steps of its own for it. Supported are ` +
        `${Object.keys(TOKENIZER_CLASSES).join(', ')} and PreTrainedTokenizerFast`,
    );
  }
  return Object.hasOwn(TOKENIZER_CLASSES, name) ? TOKENIZER_CLASSES[name] : undefined;
}

async function build(tokenizerClass: TokenizerClass | undefined, input: ClassInput): Promise<BuiltTokenizer> {
  if (tokenizerClass) return tokenizerClass.build(input);
  const { json, folder, settings } = input;
  if (json) return { json, file: TOKENIZER_JSON };
  if (folder.has(SENTENCEPIECE)) return fromSentencePiece(input);
  throw new CheckpointError(
    `no tokenizer: tokenizer_class "${settings.config.tokenizer_class}" needs ${TOKENIZER_JSON} or ${SENTENCEPIECE}`,
  );
}

/** Special tokens in the order in which the reference adds them: those that all models have names for come first. */
function inOrder(special: ReadonlyMap<string, NamedToken>): Map<string, NamedToken> {
  const names = new Set<string>([...SPECIAL_NAMES, ...special.keys()]);
  return new Map(
    [...names].flatMap((name) => (special.has(name) ? [[name, special.get(name) ?? null]] : [])),
  );
}

function cleansUp({ config }: TokenizerSettings, modelType: string): boolean {
  if (!config.clean_up_tokenization_spaces) return false;
  return (
    modelType !== 'BPE' ||
    config.clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output === true
  );
}

/** The tokens of the settings, and special tokens that are none yet. */
function addTokens(
  added: AddedVocabulary,
  declared: TokenizerSettings['added'],
  special: ReadonlyMap<string, NamedToken>,
  extraSpecial: TokenizerSettings['extraSpecial'],
): void {
  const tokens = [...declared];
  const contents = new Set(tokens.map(({ content }) => content));
  // A name and a token with flags are two, of which the last counts.
  const queued = new Set<string>();
  for (const token of [...special.values(), ...extraSpecial]) {
    const key = JSON.stringify(token);
    if (!token || queued.has(key) || added.has(contentOf(token)) || contents.has(contentOf(token))) continue;
    tokens.push(typeof token === 'string' ? addedToken(token, true) : token);
    queued.add(key);
  }
  const names = new Set([...special.values()].flatMap((token) => (token ? [contentOf(token)] : [])));
  for (const token of tokens) added.add(names.has(token.content) ? { ...token, special: true } : token);
}

/**
 * As in transformers 5: without `tokenizer.json`, `add_bos_token` and `add_eos_token` decide; with it, its
 * post-processor does.
 */
function templateOf(
  { config }: TokenizerSettings,
  { json, template }: BuiltTokenizer,
  hasFile: boolean,
): TokenizerFiles['template'] {
  if (template) return template;
  const [bos, eos] = hasFile
    ? [false, false]
    : [config.add_bos_token ?? false, config.add_eos_token ?? false];
  const isExplicit = !hasFile && (config.add_bos_token != null || config.add_eos_token != null);
  if (!isExplicit && json.post_processor) return undefined;
  return { before: bos ? ['bos_token'] : [], after: eos ? ['eos_token'] : [] };
}
