/** @module `GET /v1/models` and `GET /v1/models/:id` of OpenAI's contract. */
import type { Context } from 'hono';
import type { Manifest } from '../../../model-assets/format/manifest.ts';
import type { AppEnv } from '../../http/env.ts';
import { ApiError, refuse } from '../../http/errors.ts';
import { adapterNames, adapterOf, describeAdapters, type RequestedAdapter } from '../../serving/adapters.ts';
import { servedManifest } from '../../serving/served-model.ts';

export async function listModels(c: Context<AppEnv>): Promise<Response> {
  const manifest = await servedManifest(c);
  const names = [manifest.name, ...adapterNames(manifest)];
  return c.json({ object: 'list', data: names.map((name) => modelOf(manifest, name)) });
}

export async function retrieveModel(c: Context<AppEnv>): Promise<Response> {
  const manifest = await servedManifest(c);
  const adapter = requestedAdapter(manifest, { model: c.req.param('id') });
  return c.json(modelOf(manifest, adapter?.name ?? manifest.name));
}

/**
 * The adapter that a request names: as its model, as with vLLM, or in SGLang's `lora_path`.
 * @param model undefined: the deployed one
 * @throws ApiError for the name of a model that is not deployed
 */
export function requestedAdapter(
  manifest: Manifest,
  { model, lora_path }: { readonly model?: string | undefined; readonly lora_path?: string | undefined },
): RequestedAdapter | undefined {
  const isBase = model === undefined || model === manifest.name;
  if (!isBase && !adapterNames(manifest).includes(model)) {
    const message = `The model '${model}' does not exist; ${describeAdapters(manifest)}`;
    throw new ApiError(404, message, { param: 'model', code: 'model_not_found' });
  }
  if (isBase) return adapterOf(manifest, lora_path, 'lora_path');
  if (lora_path !== undefined && lora_path !== model)
    refuse('lora_path', `must be '${model}', as 'model' is`, `'${lora_path}'`);
  return adapterOf(manifest, model, 'model');
}

/** `created` is 0: converted models have no date, so that conversion is reproducible. */
function modelOf({ name, chat }: Manifest, id: string) {
  const parent = id === name ? null : name;
  return { id, object: 'model', created: 0, owned_by: 'edgebeam', parent, chat: chat !== undefined };
}
