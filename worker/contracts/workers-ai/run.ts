/** @module `POST /ai/run/:model` of Workers AI's contract. */
import type { Context } from 'hono';
import type { AppEnv } from '../../http/env.ts';
import { ApiError } from '../../http/errors.ts';
import { parsedWithGiven } from '../../http/given-fields.ts';
import { parseField } from '../../http/json-body.ts';
import { type JsonStream, jsonArray, jsonObject, jsonText } from '../../http/json-stream.ts';
import { wellFormedJson } from '../../http/well-formed-json.ts';
import type { CollectedAnswer, CollectedChoice } from '../../serving/collected.ts';
import type { ChoiceFinishedEvent } from '../../serving/events.ts';
import type { Generation } from '../../serving/generate.ts';
import { answerWhole, beginGeneration, type StreamFormat, streamEvents } from '../../serving/respond.ts';
import { servedModel } from '../../serving/served-model.ts';
import { stopOrLengthOf } from '../stop-or-length.ts';
import { workersAiErrors } from './errors.ts';
import { type RunRequest, runSchema } from './schema.ts';
import { toGeneration } from './translate.ts';

export async function run(c: Context<AppEnv>): Promise<Response> {
  const extend = (body: unknown) => withQuery(c, body);
  const { request, given } = await parsedWithGiven(c, runSchema, { extend });
  const model = await servedModel(c);
  checkModel(model.engine.manifest.name, c.req.param('model') ?? '');
  const generation = await toGeneration(model, request, given);
  if (!request.stream) return answerWhole(c, model, generation, (answer) => whole(answer, request));
  return streamed(c, await beginGeneration(c, model, generation), request);
}

/** The fields that take any text: in a query it needs no quotes. */
const TEXT_FIELDS: ReadonlySet<string> = new Set(
  Object.entries(runSchema.shape).flatMap(([name, field]) => (field.safeParse('text').success ? [name] : [])),
);

/**
 * Merges query parameters into the body; the body wins. workers-ai-provider sends the settings of unknown
 * models in the query. As in the body, null means omitted.
 */
function withQuery(c: Context<AppEnv>, body: unknown): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body;
  const settings = Object.entries(c.req.query()).map(
    ([name, text]) => [name, settingOf(name, text)] as const,
  );
  return { ...Object.fromEntries(settings.filter(([, value]) => value !== null)), ...body };
}

/** The value of a query parameter: the text itself for a field of text, otherwise JSON or else a string. */
function settingOf(name: string, text: string): unknown {
  if (TEXT_FIELDS.has(name)) return text;
  try {
    return parseField(name, wellFormedJson(text));
  } catch {
    return text;
  }
}

/** Accepts the bare name, and Workers AI's `@cf/vendor/name`. */
function checkModel(name: string, requested: string): void {
  if (requested === name || requested.endsWith(`/${name}`)) return;
  throw new ApiError(404, `No such model ${requested}; this is ${name}`, {
    param: 'model',
    code: 'model_not_found',
  });
}

function whole(answer: CollectedAnswer, { num_return_sequences, response_format }: RunRequest): JsonStream {
  const [first] = answer.choices();
  const isJson = response_format !== undefined && response_format.type !== 'text';
  const written = (choice: CollectedChoice) => (isJson ? jsonOrText(choice.text()) : choice.text());
  const several = num_return_sequences > 1;
  const scores = answer.choices().map(({ score }) => score);
  const ids = answer.choices().map(({ entry }) => entry?.id);
  return jsonObject({
    result: jsonObject({
      response: first && written(first),
      finish_reason: first && stopOrLengthOf(first.reason),
      responses: several ? jsonArray(answer.choices().map(written)) : undefined,
      sequences_scores: first && first.score !== null ? jsonArray(scores) : undefined,
      catalogue_ids: first?.entry ? jsonArray(ids) : undefined,
      usage: answer.usage,
    }),
    success: true,
    errors: [],
    messages: [],
  });
}

/** A string of JSON, or white space between values. */
const STRING_OR_SPACE = /("(?:[^"\\]|\\.)*")|\s+/g;

/**
 * An object or a list as itself, as Workers AI answers in its JSON mode, without white space. Any other text stays
 * text: clients could not tell a JSON string from it.
 */
function jsonOrText(text: string): JsonStream | string {
  if (!/^[[{]/.test(text)) return text;
  try {
    JSON.parse(text);
    return jsonText(text.replace(STRING_OR_SPACE, '$1'));
  } catch {
    // The maximum length has cut the text off, where the request allows that.
    return text;
  }
}

function streamed(c: Context<AppEnv>, generation: Generation, { include_beams }: RunRequest): Response {
  let finished: ChoiceFinishedEvent | undefined;
  const message = (data: object) => ({ data: JSON.stringify(data) });
  const format: StreamFormat = {
    *event(event) {
      if (event.type === 'beams' && include_beams) {
        yield message({ response: '', beams: { step: event.step, front: event.beams } });
      }
      if (event.type !== 'token' && event.type !== 'finished') return;
      if (event.type === 'finished') finished = event;
      if (event.text !== '') yield message({ response: event.text });
    },
    *end() {
      yield message({
        response: '',
        ...(finished && { finish_reason: stopOrLengthOf(finished.reason) }),
        ...(finished?.entry && { catalogue_id: finished.entry.id }),
        usage: generation.usage,
      });
      yield { data: '[DONE]' };
    },
    error: (error) => message(workersAiErrors.body(error)),
  };
  return streamEvents(c, generation, format);
}
