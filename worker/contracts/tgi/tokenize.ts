/** @module `POST /tokenize` and `GET /info` of TGI's contract. */
import type { Context } from 'hono';
import type { AppEnv } from '../../http/env.ts';
import { parsedBody } from '../../http/json-body.ts';
import { servedModel } from '../../serving/served-model.ts';
import { MAX_BEST_OF, MAX_STOP_SEQUENCES, tokenizeSchema } from './schema.ts';

export async function tokenize(c: Context<AppEnv>): Promise<Response> {
  const { inputs } = await parsedBody(c, tokenizeSchema);
  const { tokenizer } = await servedModel(c);
  const decoder = tokenizer.decoder();
  // Offsets count code points, as in Hugging Face's tokenizers.
  let offset = 0;
  const tokens = Array.from(tokenizer.encode(inputs), (id) => {
    const text = decoder.push(id);
    const start = offset;
    offset += Array.from(text).length;
    return { id, text, start, stop: offset };
  });
  return c.json(tokens);
}

export async function info(c: Context<AppEnv>): Promise<Response> {
  const { engine } = await servedModel(c);
  const { name, precision } = engine.manifest;
  const maxTotalTokens = Math.min(engine.contextLength, engine.status.slots.maximum + 1);
  return c.json({
    model_id: name,
    model_sha: null,
    model_dtype: precision,
    model_device_type: 'cpu',
    model_pipeline_tag: 'text-generation',
    max_best_of: MAX_BEST_OF,
    max_stop_sequences: MAX_STOP_SEQUENCES,
    max_input_tokens: maxTotalTokens - 1,
    max_total_tokens: maxTotalTokens,
    max_client_batch_size: 1,
    router: 'edgebeam',
  });
}
