/** @module `POST /detokenize`, as in vLLM: the text of tokens. */
import type { Context } from 'hono';
import type { AppEnv } from '../../http/env.ts';
import { refuse } from '../../http/errors.ts';
import { parsedBody } from '../../http/json-body.ts';
import { jsonObject } from '../../http/json-stream.ts';
import { sendJson } from '../../http/send-json.ts';
import { checkIds } from '../../serving/request.ts';
import { reserveMemory } from '../../serving/respond.ts';
import { servedModel } from '../../serving/served-model.ts';
import { requestedAdapter } from './models.ts';
import { detokenizeSchema } from './schema.ts';

/** For each byte of the text: a UTF-16 code unit of the text and one of its JSON, and their UTF-8. */
const MEMORY_PER_BYTE = 6;

export async function detokenize(c: Context<AppEnv>): Promise<Response> {
  const { model: requested, tokens } = await parsedBody(c, detokenizeSchema);
  const model = await servedModel(c);
  const { tokenizer, engine } = model;
  // An adapter has the tokenizer of its base.
  requestedAdapter(engine.manifest, { model: requested });
  checkIds(engine, tokens, 'tokens');
  const bytes = tokens.reduce((sum, id) => sum + tokenizer.tokenBytes(id).length, 0);
  const longest = Math.floor(engine.memory.maximum / MEMORY_PER_BYTE);
  if (bytes > longest) {
    refuse('tokens', `must have a text of at most ${longest} bytes on this deployment`, bytes);
  }
  const held = await reserveMemory(c, model, bytes * MEMORY_PER_BYTE);
  return sendJson(c, jsonObject({ prompt: tokenizer.decode(tokens) }), held);
}
