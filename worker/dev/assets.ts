/** @module Whether a folder can be deployed as it is: a whole model, within Cloudflare's limits on static assets. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { type Manifest, manifestSchema } from '../../model-assets/format/manifest.ts';

/** Cloudflare's docs, "Workers: Limits", "Static Assets": for one file, and files of one version on the free plan. */
export const MAX_ASSET_BYTES = 25 * 2 ** 20;
export const MAX_ASSETS = 20_000;

/**
 * Compares a folder with its manifest. Sizes are compared and not digests: the Worker checks those when it loads.
 *
 * @returns what is wrong, a line for each fault; empty when it can be deployed
 */
export async function findAssetFaults(folder: string): Promise<string[]> {
  const manifest = await readManifest(folder);
  if (typeof manifest === 'string') return [manifest];
  const { graphs, shards, tokenizer } = manifest;
  const sizes = await sizesOf(folder);
  const faults: string[] = [];
  for (const { path, bytes } of [...Object.values(graphs), ...shards, tokenizer]) {
    const size = sizes.get(path);
    if (size === undefined) faults.push(`${path} is missing`);
    else if (size !== bytes) faults.push(`${path} has ${size} bytes, ${bytes} in manifest.json`);
  }
  for (const [path, bytes] of sizes) {
    if (bytes > MAX_ASSET_BYTES)
      faults.push(`${path} has ${bytes} bytes, a static asset can have ${MAX_ASSET_BYTES} (25 MiB)`);
  }
  if (sizes.size > MAX_ASSETS) faults.push(`${sizes.size} files, a Worker can have ${MAX_ASSETS}`);
  return faults;
}

/** @returns the manifest, or what is wrong with it. */
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

/** The bytes of each file by its path in the folder. */
async function sizesOf(folder: string): Promise<Map<string, number>> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const paths = entries
    .filter((entry) => !entry.isDirectory())
    .map(({ parentPath, name }) => join(parentPath, name));
  const sized = paths.map(async (path) => [relative(folder, path), (await stat(path)).size] as const);
  return new Map(await Promise.all(sized));
}
