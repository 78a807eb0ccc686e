/** @module `POST /ai/run/:model`, the contract of Cloudflare Workers AI over REST. */
import { type Context, Hono } from 'hono';
import type { FinishReason } from '../../../decoding/strategies/stopping.ts';
import { type AppEnv, engineOf } from '../../http/env.ts';
import { ApiError, invalidRequest } from '../../http/errors.ts';
import { jsonBody } from '../../http/json-body.ts';
import { collect, type Events, type StreamShape, start, stream } from '../../serving/run.ts';
import type { UsageMeter } from '../../serving/usage.ts';
import { finishReason } from '../finish-reason.ts';
import { withoutNulls } from '../nulls.ts';
import { workersAiError } from './errors.ts';
import { type RunRequest, runSchema } from './schema.ts';
import { promptField, toGeneration } from './translate.ts';

export const run = new Hono<AppEnv>().post('/:model{.+}', async (c) => {
  const parsed = runSchema.safeParse(withQuery(c, withoutNulls(await jsonBody(c))), { reportInput: true });
  if (!parsed.success) throw invalidRequest(parsed.error);
  const engine = await engineOf(c);
  checkModel(engine.manifest.name, c.req.param('model'));
  const generation = toGeneration(engine, parsed.data);
  const names = { prompt: promptField(parsed.data), maxTokens: 'max_tokens' };
  const { events, meter } = await start(c, engine, generation, names);
  return parsed.data.stream ? streamed(c, events, meter, parsed.data) : whole(c, events, meter);
});

/** workers-ai-provider sends the settings of a model that it does not know in the query; the body has the last word. */
function withQuery(c: Context<AppEnv>, body: unknown): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body;
  const settings = Object.entries(c.req.query()).map(([name, text]) => [name, settingOf(text)]);
  return { ...Object.fromEntries(settings), ...body };
}

/** A number, a boolean, a list; anything else is text. */
function settingOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Its name alone, or behind what Workers AI has before it: `@cf/vendor/name`. */
function checkModel(name: string, asked: string): void {
  if (asked === name || asked.endsWith(`/${name}`)) return;
  throw new ApiError(404, `No such model ${asked}; this is ${name}`, {
    param: 'model',
    code: 'model_not_found',
  });
}

async function whole(c: Context<AppEnv>, events: Events, meter: UsageMeter): Promise<Response> {
  const texts: string[] = [];
  const scores: number[] = [];
  let reason: FinishReason | undefined;
  await collect(c, events, (event) => {
    if (event.type !== 'token' && event.type !== 'finished') return;
    texts[event.choice] = (texts[event.choice] ?? '') + event.text;
    if (event.type !== 'finished') return;
    if (event.score !== null) scores[event.choice] = event.score;
    if (event.choice === 0) reason = event.reason;
  });
  const [response, ...others] = texts;
  return c.json({
    result: {
      response,
      ...(reason && { finish_reason: finishReason(reason) }),
      ...(others.length > 0 && { responses: texts }),
      ...(scores.length > 0 && { sequences_scores: scores }),
      usage: meter.usage,
    },
    success: true,
    errors: [],
    messages: [],
  });
}

function streamed(c: Context<AppEnv>, events: Events, meter: UsageMeter, asked: RunRequest): Response {
  let reason: FinishReason | undefined;
  const message = (data: object) => ({ data: JSON.stringify(data) });
  const shape: StreamShape = {
    *of(event) {
      if (event.type === 'beams' && asked.include_beams) {
        yield message({ response: '', beams: { step: event.step, front: event.beams } });
      }
      if (event.type !== 'token' && event.type !== 'finished') return;
      if (event.type === 'finished') reason = event.reason;
      if (event.text !== '') yield message({ response: event.text });
    },
    *end() {
      yield message({
        response: '',
        ...(reason && { finish_reason: finishReason(reason) }),
        usage: meter.usage,
      });
      yield { data: '[DONE]' };
    },
    error: (error) => message(workersAiError(error)),
  };
  return stream(c, events, shape);
}
