/** @module `GET /v1/models` and `GET /v1/models/:id` of OpenAI's contract. */
import type { Context } from 'hono';
import type { Manifest } from '../../../model-assets/format/manifest.ts';
import type { AppEnv } from '../../http/env.ts';
import { ApiError } from '../../http/errors.ts';
import { servedManifest } from '../../serving/served-model.ts';

export async function listModels(c: Context<AppEnv>): Promise<Response> {
  return c.json({ object: 'list', data: [modelOf(await servedManifest(c))] });
}

export async function retrieveModel(c: Context<AppEnv>): Promise<Response> {
  const manifest = await servedManifest(c);
  checkModel(manifest, c.req.param('id'));
  return c.json(modelOf(manifest));
}

/** @throws ApiError for the name of a model that is not deployed */
export function checkModel({ name }: Manifest, requested: string | undefined): void {
  if (requested === undefined || requested === name) return;
  throw new ApiError(404, `The model '${requested}' does not exist; this is '${name}'`, {
    param: 'model',
    code: 'model_not_found',
  });
}

/** `created` is 0: converted models have no date, so that conversion is reproducible. */
function modelOf({ name, chat }: Manifest) {
  return { id: name, object: 'model', created: 0, owned_by: 'edgebeam', chat: chat !== undefined };
}
