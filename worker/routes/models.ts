/** @module `GET /v1/models`, OpenAI's contract. */
import { Hono } from 'hono';
import { type AppEnv, modelSource } from '../bindings.ts';
import { readManifest } from '../engine/model-source.ts';

export const models = new Hono<AppEnv>().get('/', async (c) => {
  const manifest = c.get('engine').loaded?.manifest ?? (await readManifest(modelSource(c.env)));
  // A converted model bears no date, so that converting twice gives the same bytes.
  const model = { id: manifest.name, object: 'model', created: 0, owned_by: 'edgebeam' };
  return c.json({ object: 'list', data: [model] });
});
