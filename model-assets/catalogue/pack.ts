/** @module Packs a list of texts to a catalogue of a converted model, and adds it to the manifest of its folder. */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { type BuildOptions, buildCatalogue, type ListedEntry } from '../../decoding/catalogue/build.ts';
import { Catalogue } from '../../decoding/catalogue/trie.ts';
import { Tokenizer } from '../../tokenizer/tokenizer.ts';
import type { OnProgress } from '../checkpoint/interface/progress.ts';
import {
  CATALOGUE_NAME,
  CATALOGUES_MANIFEST,
  type CatalogueFile,
  type CataloguesManifest,
  cataloguesSchema,
} from '../format/catalogues.ts';
import { manifestSchema } from '../format/manifest.ts';
import { ListError } from './errors.ts';
import { formatOf, type ListedText, readList } from './read-list.ts';

export interface PackOptions {
  /** Folder of the converted model. */
  readonly model: string;
  /** The file to write; its name without the suffix is that of the catalogue. */
  readonly out: string;
  /** Precedes every entry, in its tokens but not in its text. Default: none. */
  readonly prefix?: string;
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
}

export interface PackResult extends CatalogueFile {
  readonly name: string;
  readonly nodes: number;
  /** Entries that are left out, because an earlier one has the same tokens. */
  readonly repeated: number;
  /** An entry whose tokens have another text, and that text. */
  readonly changed: { readonly count: number; readonly line: number; readonly text: string } | undefined;
}

const PROGRESS_ENTRIES = 10_000;

/**
 * @param list its file: JSON Lines if it ends in `.jsonl` or `.ndjson`
 * @throws as {@link packTexts}
 */
export async function packCatalogue(list: string, options: PackOptions): Promise<PackResult> {
  return packTexts(readList(await readFile(list, 'utf8'), formatOf(list)), options);
}

/** @throws ListError for a list that does not serve, a folder without a model, and a name that no request can have */
export async function packTexts(texts: readonly ListedText[], options: PackOptions): Promise<PackResult> {
  nameOf(options);
  const { tokenizer, digest, config } = await readModelFolder(options.model);
  const { entries, changed } = encodeAll(texts, tokenizer, config, options);
  return {
    ...(await packTokens(entries, { vocabSize: config.vocab_size, tokenizer: digest }, options)),
    changed,
  };
}

/** Packs entries whose tokens are known. @throws ListError for a name that no request can have */
export async function packTokens(
  entries: readonly ListedEntry[],
  model: BuildOptions,
  options: Pick<PackOptions, 'out' | 'prefix'>,
): Promise<Omit<PackResult, 'changed'>> {
  const { out, prefix = '' } = options;
  const name = nameOf(options);
  const built = buildCatalogue(entries, model);
  const { memory, hasWeights } = figuresOf(built.bytes);
  const file: CatalogueFile = {
    path: basename(out),
    bytes: built.bytes.length,
    sha256: createHash('sha256').update(built.bytes).digest('hex'),
    memory,
    entries: built.entries,
    depth: built.depth,
    prefix,
    weights: hasWeights,
    tokenizer: model.tokenizer,
  };
  await mkdir(dirname(out), { recursive: true });
  await replaceFile(out, built.bytes);
  await addToManifest(join(dirname(out), CATALOGUES_MANIFEST), name, file);
  return { ...file, name, nodes: built.nodes, repeated: built.repeated };
}

/** The catalogue's. */
function nameOf({ out }: Pick<PackOptions, 'out'>): string {
  const name = basename(out, extname(out));
  if (CATALOGUE_NAME.test(name)) return name;
  throw new ListError(
    `the name of the file must have 1 to 64 letters, digits, dots, - and _, and begin with no dot, not ${JSON.stringify(name)}`,
  );
}

function figuresOf(bytes: Uint8Array) {
  const { bytes: memory, hasWeights } = Catalogue.read(bytes);
  return { memory, hasWeights };
}

async function readModelFolder(folder: string) {
  const json = await readFile(join(folder, 'manifest.json'), 'utf8').catch(() => {
    throw new ListError(`${folder} is not a converted model: it has no manifest.json`);
  });
  const { data } = manifestSchema.safeParse(JSON.parse(json));
  if (!data) throw new ListError(`${folder} has a model of another version: convert it again`);
  const { tokenizer: file, config } = data;
  const tokenizer = Tokenizer.read(await readFile(join(folder, file.path)));
  return { tokenizer, digest: file.sha256, config };
}

function encodeAll(
  texts: readonly ListedText[],
  tokenizer: Tokenizer,
  { n_positions }: { readonly n_positions: number },
  { prefix = '', onProgress, signal }: PackOptions,
): { readonly entries: readonly ListedEntry[]; readonly changed: PackResult['changed'] } {
  let changed: { count: number; line: number; text: string } | undefined;
  const entries = texts.map(({ text, id, weight, line }, i) => {
    if (i % PROGRESS_ENTRIES === 0) {
      signal?.throwIfAborted();
      onProgress?.(i, texts.length, 'entries');
    }
    const tokens = tokensOf(tokenizer, prefix + text, line);
    // A beginning of the text, or an end of the prompt, stands before it.
    if (tokens.length >= n_positions) {
      throw new ListError(
        `line ${line} has ${tokens.length} tokens, which must be below ${n_positions}, the context`,
      );
    }
    const decoded = tokenizer.decode(tokens);
    if (decoded !== prefix + text) {
      changed ??= { count: 0, line, text: decoded };
      changed.count++;
    }
    return { tokens, id, weight };
  });
  onProgress?.(texts.length, texts.length, 'entries');
  return { entries, changed };
}

function tokensOf(tokenizer: Tokenizer, text: string, line: number): Int32Array {
  let tokens: Int32Array;
  try {
    tokens = tokenizer.encode(text, { addSpecialTokens: false, splitSpecialTokens: true });
  } catch (error) {
    throw new ListError(`line ${line} cannot be encoded: ${error instanceof Error ? error.message : error}`);
  }
  if (tokens.length === 0) throw new ListError(`line ${line} has no tokens`);
  return tokens;
}

async function addToManifest(path: string, name: string, file: CatalogueFile): Promise<void> {
  const manifest = await readManifest(path);
  const catalogues = { ...manifest.catalogues, [name]: file };
  await replaceFile(path, `${JSON.stringify({ ...manifest, catalogues }, null, 2)}\n`);
}

async function readManifest(path: string): Promise<CataloguesManifest> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return { version: 1, catalogues: {} };
  const { data } = cataloguesSchema.safeParse(JSON.parse(text));
  if (data) return data;
  throw new ListError(`${path} is not a manifest of catalogues: --out names a file in a folder of its own`);
}

/** Whole or not at all. */
async function replaceFile(path: string, content: string | Uint8Array): Promise<void> {
  const partial = `${path}.part`;
  await writeFile(partial, content);
  await rename(partial, path);
}
