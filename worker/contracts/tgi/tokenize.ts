/** @module `POST /tokenize` and `GET /info`, the contract of Text Generation Inference. */
import { Hono } from 'hono';
import { type AppEnv, engineOf } from '../../http/env.ts';
import { invalidRequest } from '../../http/errors.ts';
import { jsonBody } from '../../http/json-body.ts';
import { withoutNulls } from '../nulls.ts';
import { MAX_BEST_OF, MAX_STOP_SEQUENCES, tokenizeSchema } from './schema.ts';

export const tokenize = new Hono<AppEnv>().post('/', async (c) => {
  const parsed = tokenizeSchema.safeParse(withoutNulls(await jsonBody(c)), { reportInput: true });
  if (!parsed.success) throw invalidRequest(parsed.error);
  const { tokenizer } = await engineOf(c);
  const decoder = tokenizer.decoder();
  // Offsets count code points, as those of Hugging Face's tokenizers do.
  let at = 0;
  const tokens = Array.from(tokenizer.encode(parsed.data.inputs), (id) => {
    const text = decoder.push(id);
    const start = at;
    at += Array.from(text).length;
    return { id, text, start, stop: at };
  });
  return c.json(tokens);
});

export const info = new Hono<AppEnv>().get('/', async (c) => {
  const engine = await engineOf(c);
  const { name, precision } = engine.manifest;
  const most = Math.min(engine.contextLength, engine.status.slots.maximum + 1);
  return c.json({
    model_id: name,
    model_sha: null,
    model_dtype: precision,
    model_device_type: 'cpu',
    model_pipeline_tag: 'text-generation',
    max_best_of: MAX_BEST_OF,
    max_stop_sequences: MAX_STOP_SEQUENCES,
    max_input_tokens: most - 1,
    max_total_tokens: most,
    max_client_batch_size: 1,
    router: 'edgebeam',
  });
});
