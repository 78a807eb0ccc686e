/**
 * @module `catalogues/manifest.json` in the folder of a model: the catalogues that it can search, by name. It lies beside
 * their files.
 */
import * as z from 'zod';

export const CATALOGUES_FOLDER = 'catalogues';
export const CATALOGUES_MANIFEST = 'manifest.json';
/** What names a catalogue, in requests and in its file. */
export const CATALOGUE_NAME = /^[\w-][\w.-]{0,63}$/;

const count = z.int().positive();
/** Lower-case hexadecimal. */
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const catalogue = z.strictObject({
  /** Beside the manifest. */
  path: z.string().regex(/^[\w.-]+$/),
  bytes: count,
  sha256,
  /** Bytes that it takes when it is loaded. */
  memory: count,
  entries: count,
  /** Tokens of the longest entry. */
  depth: count,
  /** What precedes every entry, in its tokens but not in its text. */
  prefix: z.string(),
  weights: z.boolean(),
  /** SHA-256 of the `tokenizer.bin` whose tokens it has. */
  tokenizer: sha256,
});

export const cataloguesSchema = z.strictObject({
  version: z.literal(1),
  catalogues: z.record(z.string().regex(CATALOGUE_NAME), catalogue),
});

export type CatalogueFile = z.infer<typeof catalogue>;
export type CataloguesManifest = z.infer<typeof cataloguesSchema>;
