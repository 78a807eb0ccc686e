/** @module The files of `test/golden/checkpoints`, and of folders that are made like it. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { ChatMessage } from '../../chat/template.ts';
import type { ConvertOptions } from '../../model-assets/convert/convert.ts';
import { GOLDEN } from './models.ts';

export const GOLDEN_CHECKPOINTS = join(GOLDEN, 'checkpoints');
export interface GoldenTokenizer {
  /** The number of tokens, with added ones. */
  readonly length: number;
  /** Ids of each text, with the template. */
  readonly ids: readonly (readonly number[])[];
  /** Index of a text, and its ids without the template, where they differ. */
  readonly plain: readonly (readonly [text: number, ids: readonly number[]])[];
  /** Index of a text, and its ids with `split_special_tokens`, where they differ. */
  readonly split: readonly (readonly [text: number, ids: readonly number[]])[];
  /**
   * The text of ids, or of the ids of a text by its index, and the one without special tokens if it differs. Texts
   * that their ids give back are left out.
   */
  readonly decode: readonly (readonly [
    ids: number | readonly number[],
    text: string,
    withoutSpecial?: string,
  ])[];
}

export interface GoldenCase {
  readonly prompt: readonly number[];
  /** Evenly spaced logits after the prompt, from that of token 0 on. */
  readonly logits: readonly number[];
  readonly greedy: readonly number[];
  readonly beams: readonly (readonly number[])[];
  readonly scores: readonly number[];
}

/** A conversation's text by a chat template, and its ids; null where the template refuses it. */
export interface GoldenChat {
  readonly template: string;
  readonly conversation: number;
  /** What the text ends with: the last message, what begins an answer, or the text of the last message. */
  readonly end: 'none' | 'generation' | 'continue';
  readonly text: string | null;
  readonly ids: readonly number[] | null;
}

export interface GoldenCheckpoint {
  /** Or the name of the golden that has the same. */
  readonly tokenizer: GoldenTokenizer | string;
  /** What the conversion needs. */
  readonly options?: Partial<ConvertOptions>;
  readonly chats?: readonly GoldenChat[];
  /** What the error says, of a checkpoint that is refused. */
  readonly refused?: string;
  readonly ends: readonly number[];
  readonly cases: readonly GoldenCase[];
}

/** What all goldens of a folder share: its `texts.json`. */
export interface Shared {
  readonly texts: readonly string[];
  readonly conversations: readonly (readonly ChatMessage[])[];
}

/** The names of a folder's goldens. */
export async function goldenNames(folder: string): Promise<string[]> {
  const files = await readdir(folder);
  return files
    .flatMap((file) => (/^(?!texts\.).*\.json$/.test(file) ? [basename(file, '.json')] : []))
    .sort();
}

export async function readGolden<Golden>(folder: string, name: string): Promise<Golden> {
  return JSON.parse(await readFile(join(folder, `${name}.json`), 'utf8')) as Golden;
}

const BLOCK = 512;

/** Unpacks a .tar.gz of files: ustar, without links and long names. */
export async function unpack(archive: string, folder: string): Promise<void> {
  const tar = await promisify(gunzip)(await readFile(archive));
  for (let at = 0; tar[at]; ) {
    const field = (start: number, length: number) =>
      tar.toString('utf8', at + start, at + start + length).replace(/\0.*/s, '');
    const size = Number.parseInt(field(124, 12), 8);
    const path = join(folder, field(0, 100));
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, tar.subarray(at + BLOCK, at + BLOCK + size));
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
}
