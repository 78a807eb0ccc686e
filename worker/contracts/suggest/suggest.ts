/** @module `POST /v1/suggest`: completes what is being typed, from a catalogue or freely. */
import type { Context } from 'hono';
import type { AppEnv } from '../../http/env.ts';
import { parsedBody } from '../../http/json-body.ts';
import { jsonObject } from '../../http/json-stream.ts';
import { answerWhole } from '../../serving/respond.ts';
import { servedModel } from '../../serving/served-model.ts';
import { suggestionGeneration, suggestionsOf } from '../../serving/suggest.ts';
import { checkModel } from '../openai/models.ts';
import { suggestSchema } from './schema.ts';

export async function suggest(c: Context<AppEnv>): Promise<Response> {
  const request = await parsedBody(c, suggestSchema);
  const model = await servedModel(c);
  const { manifest } = model.engine;
  checkModel(manifest, request.model);
  if (request.user) c.get('record').user = request.user;
  return answerWhole(c, model, suggestionGeneration(model, request), (answer) =>
    jsonObject({ object: 'list', model: manifest.name, ...suggestionsOf(model, request, answer) }),
  );
}
