/** @module Converts a checkpoint's tokenizer into `tokenizer.bin` (`tokenizer/format/file.ts`). */
import { sortTokens } from '../../decoding/constraints/automaton/vocabulary.ts';
import type { Template } from '../../tokenizer/format/description.ts';
import { offsetsOf, Tables, writeTokenizer } from '../../tokenizer/format/file.ts';
import { createNormalizer, type Normalize } from '../../tokenizer/normalizers/normalizers.ts';
import type { Metadata } from '../checkpoint/interface/metadata.ts';
import type { OnWarning } from '../checkpoint/interface/progress.ts';
import type { AddedTokenWithId } from './files/added-vocabulary.ts';
import { readTokenizerFiles, type TokenizerFiles } from './files/read-files.ts';
import { contentOf } from './files/settings.ts';
import { buildModel } from './models/build-model.ts';
import { describeNormalizers } from './pipeline/normalizers.ts';
import { describePreTokenizers } from './pipeline/pre-tokenizers.ts';
import { describeTemplate } from './pipeline/template.ts';
import { tokenTexts } from './pipeline/token-texts.ts';

export interface ConvertedTokenizer {
  readonly bytes: Uint8Array;
  /** The number of ids: the greatest one and 1. */
  readonly vocabSize: number;
  /** The number of ids without those that only added tokens have. */
  readonly modelVocabSize: number;
  /** Contents of the special tokens by their names: `bos_token`, `eos_token`, …. */
  readonly specialTokens: Readonly<Record<string, string>>;
  /** Names of the files that were read. */
  readonly sources: readonly string[];
}

/**
 * Builds the `tokenizer.bin` of a checkpoint, whose ids and texts are those of transformers 5 with the same files.
 * Deterministic.
 * @param rows of the model's vocabulary: texts that constraints write have no tokens beyond them
 * @throws CheckpointError if the files are missing, invalid, or of a tokenizer that is not supported
 */
export async function buildTokenizer(
  metadata: Metadata,
  onWarning: OnWarning = () => {},
  rows = Number.POSITIVE_INFINITY,
): Promise<ConvertedTokenizer> {
  const files = await readTokenizerFiles(metadata);
  const { json, file, vocabulary } = files;
  const { normalizers, tables } = describeNormalizers(json.normalizer, `${file}: normalizer`);
  const preTokenizers = describePreTokenizers(json.pre_tokenizer, `${file}: pre_tokenizer`);
  const { model, tables: modelTables } = buildModel(files, preTokenizers);
  warnOfMerges(json.model.merges, onWarning);
  const normalize = createNormalizer(normalizers, new Tables(tables));
  const added = files.added.map((token) => withText(token, normalize));
  const tokens = tokensById(files, added);
  const {
    bytes,
    text,
    tables: textTables,
  } = tokenTexts(tokens, json.decoder, files.cleanUp, `${file}: decoder`);
  const offsets = offsetsOf(bytes);
  const textBytes = Buffer.concat(bytes);
  const special = new Set(added.flatMap(({ id, special }) => (special ? [id] : [])));
  const sorted = sortTokens({ offsets, bytes: textBytes }, (token) => !special.has(token) && token < rows);
  const modelVocabSize = 1 + [...vocabulary.values()].reduce((greatest, id) => Math.max(greatest, id), -1);
  warnOfRows(files, rows, onWarning);
  const description = {
    vocabSize: tokens.length,
    modelVocabSize,
    added: added.map(({ text: _, ...token }) => token),
    normalizers,
    preTokenizers,
    model,
    template: templateOf(files),
    text,
    splitSpecialTokens: files.splitSpecialTokens,
  };
  return {
    bytes: writeTokenizer({
      description,
      tables: new Tables([
        ['textOffsets', offsets],
        ['textBytes', textBytes],
        ['order', sorted.order],
        ['shared', sorted.shared],
        ...textTables,
        ...modelTables,
        ...tables,
      ]),
    }),
    vocabSize: tokens.length,
    modelVocabSize,
    specialTokens: Object.fromEntries(
      [...files.special].flatMap(([name, token]) => (token ? [[name, contentOf(token)]] : [])),
    ),
    sources: files.sources,
  };
}

function warnOfMerges(merges: unknown, onWarning: OnWarning): void {
  if (!Array.isArray(merges) || merges.length > 0) return;
  onWarning('the tokenizer has no merges: each token is a single byte');
}

function warnOfRows({ added }: TokenizerFiles, rows: number, onWarning: OnWarning): void {
  const beyond = added.filter(({ id }) => id >= rows).map(({ content, id }) => `"${content}" (${id})`);
  if (beyond.length === 0) return;
  onWarning(
    `the model has no row for ${beyond.slice(0, 5).join(', ')}${beyond.length > 5 ? ', …' : ''}, which the ` +
      "tokenizer's files add: a text with such a token is refused",
  );
}

function withText({ hasNormalizedText, ...token }: AddedTokenWithId, normalize: Normalize) {
  const text = hasNormalizedText ? normalize(token.content) : token.content;
  return { ...token, text, skipped: token.special && text === token.content };
}

/** The tokens by id; an added token hides the model's of the same id. */
function tokensById(
  { vocabulary }: TokenizerFiles,
  added: readonly { readonly id: number; readonly text: string }[],
): (string | undefined)[] {
  const tokens: (string | undefined)[] = [];
  for (const [token, id] of vocabulary) tokens[id] = token;
  for (const { text, id } of added) tokens[id] = text;
  return Array.from(tokens);
}

function templateOf({ json, file, template, special, vocabulary, added }: TokenizerFiles): Template {
  if (!template) return describeTemplate(json.post_processor, `${file}: post_processor`);
  const idOf = (name: string) => {
    const token = special.get(name);
    if (!token) return [];
    const content = contentOf(token);
    const id = added.find((other) => other.content === content)?.id ?? vocabulary.get(content);
    return id === undefined ? [] : [id];
  };
  return { before: template.before.flatMap(idOf), after: template.after.flatMap(idOf) };
}
