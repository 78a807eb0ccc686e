/** @module `POST /v1/suggest`: completes what is being typed, from a catalogue or freely. */
import type { Context } from 'hono';
import type { AppEnv } from '../../http/env.ts';
import { parsedBody } from '../../http/json-body.ts';
import { jsonObject } from '../../http/json-stream.ts';
import { answerWhole } from '../../serving/respond.ts';
import { servedModel } from '../../serving/served-model.ts';
import { suggestionGeneration, suggestionsOf } from '../../serving/suggest.ts';
import { requestedAdapter } from '../openai/models.ts';
import { suggestSchema } from './schema.ts';

export async function suggest(c: Context<AppEnv>): Promise<Response> {
  const request = await parsedBody(c, suggestSchema);
  const model = await servedModel(c);
  const { manifest } = model.engine;
  const adapter = requestedAdapter(manifest, request);
  const record = c.get('record');
  if (request.user) record.user = request.user;
  const generation = { ...suggestionGeneration(model, request), adapter };
  return answerWhole(c, model, generation, (answer) => {
    const suggestions = suggestionsOf(model, request, answer);
    record.usage = suggestions.usage;
    return jsonObject({ object: 'list', model: adapter?.name ?? manifest.name, ...suggestions });
  });
}
