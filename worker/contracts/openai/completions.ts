/** @module `POST /v1/completions`, OpenAI's contract. */
import { type Context, Hono } from 'hono';
import { type AppEnv, engineOf } from '../../http/env.ts';
import { invalidRequest } from '../../http/errors.ts';
import { jsonBody } from '../../http/json-body.ts';
import type { GenerationEvent } from '../../serving/events.ts';
import { collect, type Events, type StreamShape, start, stream } from '../../serving/run.ts';
import type { UsageMeter } from '../../serving/usage.ts';
import { withoutNulls } from '../nulls.ts';
import { ChoicePieces, WholeChoices } from './choices.ts';
import { fromHuggingFace, TgiChunks } from './hugging-face.ts';
import { checkModel } from './models.ts';
import { type CompletionRequest, completionSchema } from './schema.ts';
import { toGeneration } from './translate.ts';

export const completions = new Hono<AppEnv>().post('/', async (c) => {
  const parsed = completionSchema.safeParse(withoutNulls(await jsonBody(c)), { reportInput: true });
  if (!parsed.success) throw invalidRequest(parsed.error);
  const request = fromHuggingFace(parsed.data);
  const engine = await engineOf(c);
  checkModel(engine.manifest, request.model);
  const generation = toGeneration(engine, request);
  if (request.user) c.get('record').user = request.user;
  const names = { prompt: 'prompt', maxTokens: 'max_tokens' };
  const { events, meter } = await start(c, engine, generation, names);
  const answer: Answer = {
    head: {
      id: `cmpl-${crypto.randomUUID()}`,
      object: 'text_completion',
      created: Math.floor(Date.now() / 1000),
      model: engine.manifest.name,
    },
    pieces: new ChoicePieces(engine.tokenizer, generation, request),
    ...(request.details && { tgi: new TgiChunks(engine.tokenizer, generation) }),
    meter,
    events,
  };
  return request.stream ? streamed(c, answer, request.stream_options) : whole(c, answer);
});

interface Answer {
  readonly head: {
    readonly id: string;
    readonly object: 'text_completion';
    readonly created: number;
    readonly model: string;
  };
  readonly pieces: ChoicePieces;
  /** Where chunks are to be TGI's events as well. */
  readonly tgi?: TgiChunks;
  readonly meter: UsageMeter;
  readonly events: Events;
}

async function whole(c: Context<AppEnv>, { head, pieces, meter, events }: Answer): Promise<Response> {
  const all = new WholeChoices();
  await collect(c, events, (event) => {
    for (const piece of pieces.of(event)) all.add(piece);
  });
  return c.json({ ...head, choices: all.choices, usage: meter.usage });
}

function streamed(
  c: Context<AppEnv>,
  { head, pieces, tgi, meter, events }: Answer,
  { include_usage = false, include_beams = false }: Partial<CompletionRequest['stream_options']> = {},
): Response {
  // Where usage is asked for, every chunk but the last has a place for it.
  const common = include_usage ? { ...head, usage: null } : head;
  const message = (data: object) => ({ data: JSON.stringify(data) });
  const shape: StreamShape = {
    *of(event: GenerationEvent) {
      if (event.type === 'beams' && include_beams) {
        const { prompt, step, beams } = event;
        yield message({ ...common, choices: [], beams: { prompt, step, front: beams } });
      }
      const added = pieces.of(event);
      if (tgi) for (const chunk of tgi.of(event, added)) yield message({ ...common, ...chunk });
      else for (const piece of added) yield message({ ...common, choices: [piece] });
    },
    *end() {
      if (include_usage) yield message({ ...head, choices: [], usage: meter.usage });
      yield { data: '[DONE]' };
    },
    error: (error) => message(error.body),
  };
  return stream(c, events, shape);
}
