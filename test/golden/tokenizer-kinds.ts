/** @module The tokenizers of test/golden/tokenizer-kinds/, and what transformers makes of them. */
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { folderMetadata } from '../../model-assets/checkpoint/interface/metadata.ts';
import { buildTokenizer } from '../../model-assets/tokenizer/build-tokenizer.ts';
import { Tokenizer } from '../../tokenizer/tokenizer.ts';

export const KINDS_FOLDER = join(import.meta.dirname, 'tokenizer-kinds');

/** make-tokenizer-kinds-golden.py describes the fields. */
export interface KindsGolden {
  readonly texts: readonly string[];
  readonly special: readonly string[];
  readonly kinds: Readonly<Record<string, KindGolden>>;
}

export interface KindGolden {
  readonly files: Readonly<Record<string, string>>;
  /** The name of a SentencePiece model, and of its file. */
  readonly model?: string;
  readonly file?: string;
  readonly class: string;
  readonly ids: readonly (readonly number[] | null)[];
  readonly special: readonly (readonly number[] | null)[];
  readonly decode: readonly (readonly [ids: number[], text: string, skipped: string])[];
}

export const kindsGolden: KindsGolden = JSON.parse(
  gunzipSync(readFileSync(join(KINDS_FOLDER, 'golden.json.gz'))).toString(),
);

/** A SentencePiece model of the folder `models`. */
export async function sentencePieceFile(name: string): Promise<Uint8Array> {
  return gunzipSync(await readFile(join(KINDS_FOLDER, 'models', `${name}.model.gz`)));
}

/** Writes a tokenizer's files to `dir`. */
export async function writeKind(name: string, dir: string): Promise<void> {
  const kind = kindsGolden.kinds[name];
  if (!kind) throw new Error(`there is no tokenizer ${name}`);
  for (const [file, text] of Object.entries(kind.files)) {
    // A model's own config stays.
    if (file === 'config.json' && existsSync(join(dir, file))) continue;
    await writeFile(join(dir, file), text);
  }
  const { model, file } = kind;
  if (model && file) await writeFile(join(dir, file), await sentencePieceFile(model));
}

/** Converts a tokenizer, and reads it. */
export async function loadKind(name: string): Promise<Tokenizer> {
  const dir = await mkdtemp(join(tmpdir(), 'edgebeam-kind-'));
  try {
    await writeKind(name, dir);
    return Tokenizer.read((await buildTokenizer(folderMetadata(dir))).bytes);
  } finally {
    await rm(dir, { recursive: true });
  }
}
