/** @module Checks a folder before its deployment: a complete model, within Cloudflare's limits on assets. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { type Manifest, manifestSchema } from '../../model-assets/format/manifest.ts';

/** Per file, and per version on the free plan: Cloudflare's docs, "Workers: Limits", "Static Assets". */
export const MAX_ASSET_BYTES = 25 * 2 ** 20;
export const MAX_ASSETS = 20_000;

/**
 * Compares a folder with its manifest: sizes only, since the Worker verifies digests when it loads.
 * @returns one line per fault; empty if the folder can be deployed
 */
export async function findAssetFaults(folder: string): Promise<string[]> {
  const manifest = await readManifest(folder);
  if (typeof manifest === 'string') return [manifest];
  const { graphs, shards, tokenizer, adapters = [] } = manifest;
  const sizes = await sizesOf(folder);
  const faults: string[] = [];
  for (const { path, bytes } of [
    ...Object.values(graphs),
    ...shards,
    tokenizer,
    ...adapters.map((adapter) => adapter.file),
  ]) {
    const size = sizes.get(path);
    if (size === undefined) faults.push(`${path} is missing`);
    else if (size !== bytes) faults.push(`${path} has ${size} bytes, but ${bytes} in manifest.json`);
  }
  for (const [path, bytes] of sizes) {
    if (bytes > MAX_ASSET_BYTES)
      faults.push(
        `${path} has ${bytes} bytes, but a static asset can have at most ${MAX_ASSET_BYTES} (25 MiB)`,
      );
  }
  if (sizes.size > MAX_ASSETS)
    faults.push(`${sizes.size} files, but a Worker can have at most ${MAX_ASSETS}`);
  return faults;
}

/** @returns the manifest, or a message if it is missing or invalid */
async function readManifest(folder: string): Promise<Manifest | string> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8'));
  } catch (error) {
    return error instanceof SyntaxError ? `manifest.json: ${error.message}` : 'manifest.json is missing';
  }
  const { data, error } = manifestSchema.safeParse(json);
  const [issue] = error?.issues ?? [];
  return data ?? `manifest.json: ${issue?.path.join('.')}: ${issue?.message}`;
}

/** File sizes by path, relative to the folder. */
async function sizesOf(folder: string): Promise<Map<string, number>> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const paths = entries
    .filter((entry) => !entry.isDirectory())
    .map(({ parentPath, name }) => join(parentPath, name));
  const sizeByPath = paths.map(async (path) => [relative(folder, path), (await stat(path)).size] as const);
  return new Map(await Promise.all(sizeByPath));
}
