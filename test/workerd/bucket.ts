/** @module The test bucket, and a way to fill it with a model. */
import { env } from 'cloudflare:workers';
import { readManifest } from '../../engine/model/model-source.ts';
import { assetsSource } from '../../worker/isolate/sources.ts';

/** Bound in this folder's wrangler.toml only. */
export const bucket = (env as typeof env & { readonly TEST_BUCKET: R2Bucket }).TEST_BUCKET;

/** Copies a model's files from the assets to the same paths in the bucket. */
export async function copyModelToBucket(name: string): Promise<void> {
  const { shards, graphs, tokenizer } = await readManifest(assetsSource(env.ASSETS, `${name}/`));
  const files = [...shards, ...Object.values(graphs), tokenizer].map(({ path }) => path);
  for (const path of ['manifest.json', ...files]) {
    const response = await env.ASSETS.fetch(`http://assets/${name}/${path}`);
    await bucket.put(`${name}/${path}`, await response.arrayBuffer());
  }
}
