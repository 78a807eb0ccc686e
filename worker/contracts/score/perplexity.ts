/** @module `POST /v1/perplexity`. */
import type { Context } from 'hono';
import type { AppEnv } from '../../http/env.ts';
import { parsedBody } from '../../http/json-body.ts';
import { jsonArray, jsonObject } from '../../http/json-stream.ts';
import { sendJson } from '../../http/send-json.ts';
import { runAdmitted, type StreamFormat, streamEvents } from '../../serving/respond.ts';
import {
  type Perplexity,
  type PerplexitySums,
  startPerplexity,
  type WindowEvent,
} from '../../serving/scoring/perplexity.ts';
import { servedModel } from '../../serving/served-model.ts';
import { openaiErrors } from '../openai/errors.ts';
import { LogprobEntries } from '../openai/logprobs.ts';
import { requestedAdapter } from '../openai/models.ts';
import { headOf } from '../openai/stream.ts';
import { scoringRefusals } from './refusals.ts';
import { type PerplexityBody, perplexitySchema } from './schema.ts';
import { tokenOf } from './tokens.ts';

const REFUSALS = scoringRefusals(
  'the rows of a window',
  'window',
  "send a smaller 'window', a shorter text, or stream its tokens",
);

export async function perplexity(c: Context<AppEnv>): Promise<Response> {
  const body = await parsedBody(c, perplexitySchema);
  const model = await servedModel(c);
  const { manifest } = model.engine;
  const adapter = requestedAdapter(manifest, body);
  const name = adapter?.name ?? manifest.name;
  const record = c.get('record');
  if (body.user) record.user = body.user;
  const request = {
    text: body.text,
    window: body.window,
    stride: body.stride,
    tokens: body.tokens,
    addBosToken: body.add_bos_token,
    splitSpecialTokens: body.split_special_tokens,
    adapter,
  };
  const entries = new LogprobEntries(model.tokenizer, false);
  const running = await runAdmitted(
    c,
    model,
    request,
    (options) => startPerplexity(model, request, options, !body.stream),
    REFUSALS,
  );
  if (body.stream) return streamEvents(c, running, formatOf(name, running, body, entries));
  return await whole(c, name, running, body, entries);
}

function formatOf(
  name: string,
  running: Perplexity,
  { tokens }: PerplexityBody,
  entries: LogprobEntries,
): StreamFormat<WindowEvent> {
  const head = headOf('ppl', 'perplexity.progress', name);
  const message = (data: object) => ({ data: JSON.stringify(data) });
  return {
    *event(event) {
      yield message({
        ...head,
        ...sumsOf(event),
        ...windowsOf(running),
        windows_done: event.window,
        ...(tokens && { tokens: Array.from(event.tokens(), (token) => tokenOf(entries, token)) }),
        ...(event.window === running.windowCount && { usage: running.usage }),
      });
    },
    *end() {
      yield { data: '[DONE]' };
    },
    error: (error) => message(openaiErrors.body(error)),
  };
}

async function whole(
  c: Context<AppEnv>,
  name: string,
  running: Perplexity,
  { tokens }: PerplexityBody,
  entries: LogprobEntries,
): Promise<Response> {
  const { held, usage } = running;
  c.get('record').usage = usage;
  const events: WindowEvent[] = [];
  let sums: PerplexitySums = { logprob: 0, tokenCount: 0, byteCount: 0 };
  try {
    for await (const event of running.events) {
      sums = event;
      if (tokens) events.push(event);
    }
    c.req.raw.signal.throwIfAborted();
  } catch (error) {
    held.close();
    throw error;
  }
  const answer = jsonObject({
    ...headOf('ppl', 'perplexity', name),
    ...sumsOf(sums),
    ...windowsOf(running),
    tokens: tokens ? jsonArray(tokensOf(events, entries)) : undefined,
    usage,
  });
  return sendJson(c, answer, held);
}

function* tokensOf(events: readonly WindowEvent[], entries: LogprobEntries) {
  for (const event of events) for (const token of event.tokens()) yield tokenOf(entries, token);
}

function sumsOf({ logprob, tokenCount, byteCount }: PerplexitySums) {
  const mean = tokenCount > 0 ? logprob / tokenCount : null;
  return {
    perplexity: mean === null ? null : Math.exp(-mean),
    logprob,
    logprob_per_token: mean,
    bits_per_byte: byteCount > 0 ? -logprob / Math.LN2 / byteCount : null,
    token_count: tokenCount,
    byte_count: byteCount,
  };
}

const windowsOf = ({ window, stride, windowCount }: Perplexity) => ({ window, stride, windows: windowCount });
