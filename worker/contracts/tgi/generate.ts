/** @module `POST /`, `/generate` and `/generate_stream` of TGI's contract. */
import type { Context } from 'hono';
import type { AppEnv } from '../../http/env.ts';
import { parsedWithGiven } from '../../http/given-fields.ts';
import { type JsonStream, jsonArray, jsonObject } from '../../http/json-stream.ts';
import type { CollectedAnswer, CollectedChoice } from '../../serving/collected.ts';
import { answerWhole, beginGeneration, type StreamFormat, streamEvents } from '../../serving/respond.ts';
import { servedModel } from '../../serving/served-model.ts';
import type { GivenFields } from '../model-defaults.ts';
import { wholeDetails } from './details.ts';
import { tgiErrors } from './errors.ts';
import {
  compatSchema,
  type GenerateRequest,
  generateSchema,
  generateStreamSchema,
  hasDetails,
} from './schema.ts';
import { TextPieces } from './text-pieces.ts';
import { seedOf, streamDetails, type TgiToken, TgiTokens, withRest } from './tokens.ts';
import { type AnswerKind, toGeneration } from './translate.ts';

/** `POST /` */
export async function compatGenerate(c: Context<AppEnv>): Promise<Response> {
  const { request: parsed, given } = await parsedWithGiven(c, compatSchema, {}, parametersOf);
  const { stream, ...request } = parsed;
  // Hugging Face's inference API includes the prompt for the pipeline text-generation.
  request.parameters.return_full_text ??= true;
  if (stream) return streamed(c, request, given);
  return answered(c, request, given, 'list', (answer, text, details) => {
    const listed = answer.choices().take(request.parameters.num_return_sequences);
    return jsonArray(
      listed.map((choice) =>
        jsonObject({ generated_text: text(choice), ...(choice.index === 0 && { details }) }),
      ),
    );
  });
}

export async function generate(c: Context<AppEnv>): Promise<Response> {
  const { request, given } = await parsedWithGiven(c, generateSchema, {}, parametersOf);
  return answered(c, request, given, 'one', (answer, text, details) => {
    const [first] = answer.choices();
    return jsonObject({ generated_text: first && text(first), details });
  });
}

export async function generateStream(c: Context<AppEnv>): Promise<Response> {
  const { request, given } = await parsedWithGiven(c, generateStreamSchema, {}, parametersOf);
  return streamed(c, request, given);
}

const parametersOf = (body: unknown): unknown =>
  typeof body === 'object' && body !== null && 'parameters' in body ? body.parameters : undefined;

/** The text before the generated one: the whole prompt, even if `truncate` shortened it for the model. */
const promptPrefix = ({ inputs, parameters }: GenerateRequest): string =>
  parameters.return_full_text ? inputs : '';

/** @param write makes the body: `text` is a choice's text, `details` undefined if no field asks for them */
async function answered(
  c: Context<AppEnv>,
  request: GenerateRequest,
  given: GivenFields,
  kind: AnswerKind,
  write: (
    answer: CollectedAnswer,
    text: (choice: CollectedChoice) => string,
    details: JsonStream | undefined,
  ) => JsonStream,
): Promise<Response> {
  const model = await servedModel(c);
  const generation = toGeneration(model, request, kind, given);
  return answerWhole(c, model, generation, (answer) => {
    const [first] = answer.choices();
    // TGI's timing headers are omitted: the clock of a deployed Worker does not advance while it computes.
    c.header('x-prompt-tokens', String(generation.prompts[0]?.ids.length));
    c.header('x-generated-tokens', String(first?.log.length));
    const { context_resets } = answer.usage;
    if (context_resets !== undefined) c.header('x-context-resets', String(context_resets));
    const text = (choice: CollectedChoice) => promptPrefix(request) + choice.text();
    const details = hasDetails(request.parameters)
      ? wholeDetails(answer, {
          tokens: new TgiTokens(model.tokenizer),
          seed: seedOf(generation),
          hasTop: request.parameters.top_n_tokens > 0,
          text,
        })
      : undefined;
    return write(answer, text, details);
  });
}

/**
 * TGI's last token event carries the whole text and its details, so each event is delayed until the next one
 * comes.
 */
async function streamed(c: Context<AppEnv>, request: GenerateRequest, given: GivenFields): Promise<Response> {
  const model = await servedModel(c);
  const generationRequest = toGeneration(model, request, 'stream', given);
  const generation = await beginGeneration(c, model, generationRequest);
  const tokens = new TgiTokens(model.tokenizer);
  const { top_n_tokens, include_beams } = request.parameters;
  const [prompt] = generationRequest.prompts;
  const text = new TextPieces(promptPrefix(request));
  let index = 0;
  let delayed: { index: number; token: TgiToken; top_tokens?: TgiToken[] } | undefined;
  const message = (data: object) => ({ data: JSON.stringify(data) });
  const format: StreamFormat = {
    *event(event) {
      if (event.type === 'beams' && include_beams) {
        yield message({ beams: { step: event.step, front: event.beams } });
      }
      if (event.type !== 'token' && event.type !== 'finished') return;
      text.add(event.text);
      if (event.type === 'token') {
        if (delayed) yield message({ ...delayed, generated_text: null, details: null });
        const { model } = event.token;
        const top = top_n_tokens > 0 ? { top_tokens: tokens.top(model) } : {};
        delayed = { index: ++index, token: tokens.generated(event.token, event.text), ...top };
      } else if (delayed) {
        yield message({
          ...delayed,
          token: withRest(delayed.token, event.text),
          generated_text: String(text),
          details: streamDetails(event, {
            generated_tokens: index,
            input_length: prompt?.ids.length ?? 0,
            seed: seedOf(generationRequest),
            context_resets: generation.usage.context_resets,
          }),
        });
      }
    },
    *end() {},
    error: (error) => message(tgiErrors.body(error)),
  };
  return streamEvents(c, generation, format);
}
