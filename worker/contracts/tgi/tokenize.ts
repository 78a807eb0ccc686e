/** @module `POST /tokenize` and `GET /info` of TGI's contract. */
import type { Context } from 'hono';
import { CharacterSpans } from '../../../tokenizer/character-spans.ts';
import type { Tokenizer } from '../../../tokenizer/tokenizer.ts';
import type { AppEnv } from '../../http/env.ts';
import { parsedBody } from '../../http/json-body.ts';
import { servedModel } from '../../serving/served-model.ts';
import { MAX_BEST_OF, TGI_STOP_SEQUENCES, tokenizeSchema } from './schema.ts';

/** Tokens per chunk of the answer. */
const CHUNK = 512;

/** The answer is many times as long as the text: it is written in chunks, as fast as the client reads. */
export async function tokenize(c: Context<AppEnv>): Promise<Response> {
  const { inputs } = await parsedBody(c, tokenizeSchema);
  const { tokenizer } = await servedModel(c);
  const chunks = jsonChunks(tokensOf(tokenizer, inputs));
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const { done, value } = chunks.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
  });
  return c.body(body, 200, { 'content-type': 'application/json' });
}

function* tokensOf(tokenizer: Tokenizer, inputs: string) {
  const spans = new CharacterSpans();
  // A token's text is the text of its characters, as in TGI. `start` never decreases, so one pass finds them.
  let position = 0;
  let index = 0;
  for (const id of tokenizer.encode(inputs)) {
    const { start, stop } = spans.push(tokenizer.tokenBytes(id));
    index = indexAfter(inputs, index, start - position);
    position = start;
    yield { id, text: inputs.slice(index, indexAfter(inputs, index, stop - start)), start, stop };
  }
}

/** A JSON array of the values, in chunks. */
function* jsonChunks(values: Iterable<unknown>): Generator<string> {
  let chunk = '[';
  let count = 0;
  for (const value of values) {
    chunk += count === 0 ? JSON.stringify(value) : `,${JSON.stringify(value)}`;
    if (++count % CHUNK > 0) continue;
    yield chunk;
    chunk = '';
  }
  yield `${chunk}]`;
}

/** The index in a text after `count` more code points. */
function indexAfter(text: string, from: number, count: number): number {
  let index = from;
  for (let i = 0; i < count; i++) index += (text.codePointAt(index) ?? 0) > 0xffff ? 2 : 1;
  return index;
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
    max_stop_sequences: TGI_STOP_SEQUENCES,
    max_input_tokens: maxTotalTokens - 1,
    max_total_tokens: maxTotalTokens,
    max_client_batch_size: 1,
    router: 'edgebeam',
  });
}
