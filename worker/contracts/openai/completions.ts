/** @module `POST /v1/completions` of OpenAI's contract. */
import type { Context } from 'hono';
import type { AppEnv } from '../../http/env.ts';
import { parsedBody } from '../../http/json-body.ts';
import { jsonObject } from '../../http/json-stream.ts';
import type { Generation } from '../../serving/generate.ts';
import { answerWhole, beginGeneration, type StreamFormat, streamEvents } from '../../serving/respond.ts';
import { servedModel } from '../../serving/served-model.ts';
import { ChoicePieces, type CompletionChoice } from './choices.ts';
import { ChunkUsage } from './chunk-usage.ts';
import { openaiErrors } from './errors.ts';
import { fromHuggingFace, TgiChunks } from './hugging-face.ts';
import { LogprobEntries } from './logprobs.ts';
import { checkModel } from './models.ts';
import { type CompletionRequest, completionSchema } from './schema.ts';
import { toGeneration } from './translate.ts';
import { wholeChoices } from './whole.ts';

export async function completions(c: Context<AppEnv>): Promise<Response> {
  const request = fromHuggingFace(await parsedBody(c, completionSchema));
  const model = await servedModel(c);
  const { manifest } = model.engine;
  checkModel(manifest, request.model);
  const generationRequest = toGeneration(model, request);
  if (request.user) c.get('record').user = request.user;
  const head: Head = {
    id: `cmpl-${crypto.randomUUID()}`,
    object: 'text_completion',
    created: Math.floor(Date.now() / 1000),
    model: manifest.name,
  };
  if (!request.stream) {
    const entries = new LogprobEntries(model.tokenizer, request.return_tokens_as_token_ids);
    return answerWhole(c, model, generationRequest, (answer) =>
      jsonObject({
        ...head,
        choices: wholeChoices(answer, generationRequest, request, entries),
        usage: answer.usage,
      }),
    );
  }
  const answer: StreamedAnswer = {
    head,
    pieces: new ChoicePieces(model.tokenizer, generationRequest, request),
    usage: new ChunkUsage(generationRequest),
    ...(request.details && { tgi: new TgiChunks(model.tokenizer, generationRequest) }),
    generation: await beginGeneration(c, model, generationRequest),
  };
  return streamed(c, answer, request.stream_options);
}

interface Head {
  readonly id: string;
  readonly object: 'text_completion';
  readonly created: number;
  readonly model: string;
}

interface StreamedAnswer {
  readonly head: Head;
  readonly pieces: ChoicePieces;
  /** Present with `details`: chunks are also TGI's events. */
  readonly tgi?: TgiChunks;
  readonly usage: ChunkUsage;
  readonly generation: Generation;
}

function streamed(
  c: Context<AppEnv>,
  { head, pieces, tgi, usage, generation }: StreamedAnswer,
  options: Partial<CompletionRequest['stream_options']> = {},
): Response {
  const { continuous_usage_stats = false, include_beams = false } = options;
  // As in vLLM, the usage of each chunk comes with that of the last one.
  const { include_usage = continuous_usage_stats } = options;
  // With `include_usage` every chunk has the field `usage`.
  const common = include_usage ? { ...head, usage: null } : head;
  const withUsage = ({ index }: CompletionChoice, hasToken: boolean) =>
    continuous_usage_stats ? { ...head, usage: usage.of(index, hasToken) } : common;
  const message = (data: object) => ({ data: JSON.stringify(data) });
  const format: StreamFormat = {
    *event(event) {
      if (event.type === 'beams' && include_beams) {
        const { prompt, step, beams } = event;
        yield message({ ...common, choices: [], beams: { prompt, step, front: beams } });
      }
      const added = Array.from(pieces.of(event));
      if (tgi) {
        for (const chunk of tgi.of(event, added)) {
          yield message({ ...withUsage(chunk.choices[0], chunk.token !== undefined), ...chunk });
        }
        return;
      }
      for (const [i, piece] of added.entries()) {
        // The echo of a prompt may precede the piece of a token.
        const hasToken = event.type === 'token' && i === added.length - 1;
        yield message({ ...withUsage(piece, hasToken), choices: [piece] });
      }
    },
    *end() {
      if (include_usage) yield message({ ...head, choices: [], usage: generation.usage });
      yield { data: '[DONE]' };
    },
    error: (error) => message(openaiErrors.body(error)),
  };
  return streamEvents(c, generation, format);
}
