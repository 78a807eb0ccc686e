/**
 * @module The text files of a checkpoint under Hugging Face's names: `config.json`, `tokenizer.json`, ….
 *
 * Formats that keep the same facts elsewhere, such as GGUF, present them under these names, so that config and
 * tokenizer are read in one way.
 */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointError } from './errors.ts';
import { readText } from './read-text.ts';

export interface Metadata {
  has(name: string): boolean;
  /**
   * @returns undefined if there is no file `name`.
   * @throws CheckpointError that names the file if it cannot be read.
   */
  text(name: string): Promise<string | undefined>;
  /** @returns the sorted names in a folder of the checkpoint, as `text` takes them; none if there is no such folder. */
  list(folder: string): Promise<readonly string[]>;
  /** @returns the path of the file that gives `name`: its own, or of the file it was made from. */
  origin(name: string): string;
}

/** The files of a folder. */
export const folderMetadata = (dir: string): Metadata => ({
  has: (name) => existsSync(join(dir, name)),
  text: (name) => readText(dir, name),
  list: async (folder) => {
    const names = existsSync(join(dir, folder)) ? await readdir(join(dir, folder)) : [];
    return names.sort().map((name) => `${folder}/${name}`);
  },
  origin: (name) => join(dir, name),
});

/** What a model is, as opposed to its tokenizer. */
const MODEL_FILES: ReadonlySet<string> = new Set(['config.json', 'generation_config.json']);

/** @returns the model's files of `metadata`, and the tokenizer's, which are all others, of `tokenizer`. */
export function withTokenizer(metadata: Metadata, tokenizer: Metadata): Metadata {
  const partOf = (name: string) => (MODEL_FILES.has(name) ? metadata : tokenizer);
  return {
    has: (name) => partOf(name).has(name),
    text: (name) => partOf(name).text(name),
    list: (folder) => tokenizer.list(folder),
    origin: (name) => partOf(name).origin(name),
  };
}

export type Json = Readonly<Record<string, unknown>>;

/**
 * @returns the object in the JSON file `name`, undefined if the file does not exist.
 * @throws CheckpointError if the file is not a JSON object.
 */
export async function readJson(metadata: Metadata, name: string): Promise<Json | undefined> {
  const text = await metadata.text(name);
  if (text === undefined) return undefined;
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Json;
  } catch {}
  throw new CheckpointError(`${name} is not a JSON object`);
}
