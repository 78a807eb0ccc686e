/** @module `POST /v1/completions` of OpenAI's contract. */
import type { Context } from 'hono';
import type { AppEnv } from '../../http/env.ts';
import { parsedWithGiven } from '../../http/given-fields.ts';
import { jsonObject } from '../../http/json-stream.ts';
import type { GenerationEvent } from '../../serving/events.ts';
import { answerWhole, beginGeneration } from '../../serving/respond.ts';
import { servedModel } from '../../serving/served-model.ts';
import { ChoicePieces } from './choices.ts';
import { fromHuggingFace, TgiChunks } from './hugging-face.ts';
import { LogprobEntries } from './logprobs.ts';
import { requestedAdapter } from './models.ts';
import { completionSchema } from './schema.ts';
import { type Chunk, chunksOf, headOf, streamChunks } from './stream.ts';
import { toGeneration } from './translate.ts';
import { wholeChoices } from './whole.ts';

export async function completions(c: Context<AppEnv>): Promise<Response> {
  const { request: parsed, given } = await parsedWithGiven(c, completionSchema);
  const request = fromHuggingFace(parsed);
  const model = await servedModel(c);
  const { manifest } = model.engine;
  const adapter = requestedAdapter(manifest, request);
  const generationRequest = { ...toGeneration(model, request, given), adapter };
  if (request.user) c.get('record').user = request.user;
  const head = headOf('cmpl', 'text_completion', adapter?.name ?? manifest.name);
  if (!request.stream) {
    const entries = new LogprobEntries(
      model.tokenizer,
      request.return_tokens_as_token_ids,
      generationRequest.showSpecialTokens,
    );
    return answerWhole(c, model, generationRequest, (answer) =>
      jsonObject({
        ...head,
        choices: wholeChoices(answer, generationRequest, request, entries),
        usage: answer.usage,
      }),
    );
  }
  const pieces = new ChoicePieces(model.tokenizer, generationRequest, request);
  const tgi = request.details ? new TgiChunks(model.tokenizer, generationRequest) : undefined;
  const chunks = (event: GenerationEvent) =>
    tgi ? tgiChunks(tgi, event, pieces) : chunksOf(event, pieces.of(event));
  const generation = await beginGeneration(c, model, generationRequest);
  return streamChunks(c, { head, chunks, generation, options: request.stream_options });
}

function* tgiChunks(tgi: TgiChunks, event: GenerationEvent, pieces: ChoicePieces): Generator<Chunk> {
  for (const { choices, ...others } of tgi.of(event, Array.from(pieces.of(event)))) {
    yield { choices, hasToken: others.token !== undefined, others };
  }
}
