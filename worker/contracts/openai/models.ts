/** @module `GET /v1/models` and `GET /v1/models/:id`, OpenAI's contract. */
import { type Context, Hono } from 'hono';
import { readManifest } from '../../../engine/model/model-source.ts';
import type { Manifest } from '../../../model-assets/format/manifest.ts';
import { type AppEnv, modelSource } from '../../http/env.ts';
import { ApiError } from '../../http/errors.ts';

export const models = new Hono<AppEnv>()
  .get('/', async (c) => c.json({ object: 'list', data: [modelOf(await manifestOf(c))] }))
  .get('/:id{.+}', async (c) => {
    const manifest = await manifestOf(c);
    checkModel(manifest, c.req.param('id'));
    return c.json(modelOf(manifest));
  });

/** @throws ApiError for another model than the one that is here */
export function checkModel({ name }: Manifest, asked: string | undefined): void {
  if (asked === undefined || asked === name) return;
  throw new ApiError(404, `The model '${asked}' does not exist; this is '${name}'`, {
    param: 'model',
    code: 'model_not_found',
  });
}

/** A converted model bears no date, so that converting twice gives the same bytes. */
function modelOf({ name }: Manifest) {
  return { id: name, object: 'model', created: 0, owned_by: 'edgebeam' };
}

async function manifestOf(c: Context<AppEnv>): Promise<Manifest> {
  return c.get('engine').loaded?.manifest ?? (await readManifest(modelSource(c.env)));
}
