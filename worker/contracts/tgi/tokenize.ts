/** @module `POST /tokenize` and `GET /info` of TGI's contract. */
import type { Context } from 'hono';
import { CharacterSpans } from '../../../tokenizer/character-spans.ts';
import type { Tokenizer } from '../../../tokenizer/tokenizer.ts';
import type { AppEnv } from '../../http/env.ts';
import { refuse } from '../../http/errors.ts';
import { parsedBody } from '../../http/json-body.ts';
import { jsonArray } from '../../http/json-stream.ts';
import { sendJson } from '../../http/send-json.ts';
import { encodeText } from '../../serving/request.ts';
import { reserveMemory } from '../../serving/respond.ts';
import { servedModel } from '../../serving/served-model.ts';
import { MAX_BEST_OF, TGI_STOP_SEQUENCES, tokenizeSchema } from './schema.ts';

/** A UTF-16 code unit of the text, and up to three tokens of it. */
const BYTES_PER_CHARACTER = 2 + 3 * Int32Array.BYTES_PER_ELEMENT;

/** The answer is many times as long as the text: it is written as fast as the client reads. */
export async function tokenize(c: Context<AppEnv>): Promise<Response> {
  const { inputs, parameters, add_special_tokens, split_special_tokens } = await parsedBody(
    c,
    tokenizeSchema,
  );
  const inParameters = parameters.split_special_tokens;
  if (split_special_tokens !== undefined && inParameters === !split_special_tokens) {
    const rule = `must be ${split_special_tokens}, as 'split_special_tokens' is`;
    refuse('parameters.split_special_tokens', rule, inParameters);
  }
  const splitSpecialTokens = split_special_tokens ?? inParameters;
  const model = await servedModel(c);
  const longest = Math.floor(model.engine.memory.maximum / BYTES_PER_CHARACTER);
  if (inputs.length > longest) {
    refuse('inputs', `must have at most ${longest} characters on this deployment`, inputs.length);
  }
  const held = await reserveMemory(c, model, inputs.length * BYTES_PER_CHARACTER);
  let ids: ArrayLike<number>;
  try {
    ids = encodeText(model.tokenizer, inputs, 'inputs', { splitSpecialTokens, addSpecialTokens: false });
  } catch (error) {
    held.close();
    throw error;
  }
  const template = add_special_tokens ? model.tokenizer.template : NO_TEMPLATE;
  return sendJson(
    c,
    jsonArray(tokensOf(model.tokenizer, inputs, { ids, template }, parameters.truncate)),
    held,
  );
}

const NO_TEMPLATE = { before: [], after: [] };

/**
 * The text's tokens, with those of the template, which have no characters.
 * @param last number of tokens at the end of the text; default: all
 */
function* tokensOf(
  tokenizer: Tokenizer,
  inputs: string,
  {
    ids,
    template: { before, after },
  }: { readonly ids: ArrayLike<number>; readonly template: Tokenizer['template'] },
  last = Number.POSITIVE_INFINITY,
) {
  const skipped = before.length + ids.length + after.length - last;
  const characters = tokenizer.isLossless ? ofText(tokenizer, inputs) : ofTokens(tokenizer);
  for (const [i, id] of before.entries()) if (i >= skipped) yield { id, text: '', start: 0, stop: 0 };
  for (let i = 0; i < ids.length; i++) {
    const token = characters(ids[i] as number);
    if (before.length + i >= skipped) yield token;
  }
  for (const [i, id] of after.entries()) {
    if (before.length + ids.length + i >= skipped) yield { id, text: '', start: 0, stop: 0 };
  }
}

/** For tokens whose bytes are the text's: a token's text is the text of its characters, as in TGI. */
function ofText(tokenizer: Tokenizer, inputs: string) {
  const spans = new CharacterSpans();
  // `start` never decreases, so one pass finds all of them.
  let position = 0;
  let index = 0;
  return (id: number) => {
    const { start, stop } = spans.push(tokenizer.tokenBytes(id));
    index = indexAfter(inputs, index, start - position);
    position = start;
    return { id, text: inputs.slice(index, indexAfter(inputs, index, stop - start)), start, stop };
  };
}

/** For tokenizers that change texts: each token with its own text, and its place in the text of all tokens. */
function ofTokens(tokenizer: Tokenizer) {
  const spans = new CharacterSpans();
  const bytesOf = tokenizer.bytesAfter([]);
  const utf8 = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true });
  return (id: number) => {
    const bytes = bytesOf(id);
    return { id, text: utf8.decode(bytes), ...spans.push(bytes) };
  };
}

/** The index in a text after `count` more code points. */
function indexAfter(text: string, from: number, count: number): number {
  let index = from;
  for (let i = 0; i < count; i++) index += (text.codePointAt(index) ?? 0) > 0xffff ? 2 : 1;
  return index;
}

export async function info(c: Context<AppEnv>): Promise<Response> {
  const { engine, defaults } = await servedModel(c);
  const { name, precision, chat } = engine.manifest;
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
    chat: chat !== undefined,
    generation_config: defaults,
    router: 'edgebeam',
  });
}
