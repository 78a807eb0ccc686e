/** @module `POST /`, `/generate` and `/generate_stream`, the contract of Text Generation Inference. */
import { type Context, Hono } from 'hono';
import type { z } from 'zod';
import { type AppEnv, engineOf } from '../../http/env.ts';
import { invalidRequest } from '../../http/errors.ts';
import { jsonBody } from '../../http/json-body.ts';
import type { FinishedChoice, GenerationEvent, TextTokenEvent } from '../../serving/events.ts';
import type { GenerationRequest } from '../../serving/request.ts';
import { collect, type Events, type StreamShape, start, stream } from '../../serving/run.ts';
import { withoutNulls } from '../nulls.ts';
import { tgiError } from './errors.ts';
import { compatSchema, type GenerateRequest, generateSchema, hasDetails } from './schema.ts';
import {
  finishReason,
  type PrefillToken,
  streamDetails,
  type TgiToken,
  TokenView,
  withRest,
} from './tokens.ts';
import { type AnswerKind, toGeneration } from './translate.ts';

export const generate = new Hono<AppEnv>()
  .post('/', async (c) => {
    const { stream: isStream, ...request } = await parsed(c, compatSchema);
    // So it is there for a model of the pipeline text-generation.
    request.parameters.return_full_text ??= true;
    if (isStream) return streamed(c, await begin(c, request, 'stream'));
    const sequences = await whole(c, await begin(c, request, 'list'));
    const texts = sequences.map(({ generated_text }) => ({ generated_text }));
    const [first, ...others] = texts.slice(0, request.parameters.num_return_sequences);
    return c.json([{ ...first, ...detailsOf(sequences, request) }, ...others]);
  })
  .post('/generate', async (c) => {
    const request = await parsed(c, generateSchema);
    const sequences = await whole(c, await begin(c, request, 'one'));
    const [first] = sequences;
    return c.json({ generated_text: first?.generated_text, ...detailsOf(sequences, request) });
  })
  .post('/generate_stream', async (c) => {
    return streamed(c, await begin(c, await parsed(c, generateSchema), 'stream'));
  });

async function parsed<T extends z.ZodType>(c: Context<AppEnv>, schema: T): Promise<z.output<T>> {
  const body = withoutNulls(await jsonBody(c));
  const parameters = (body as { parameters?: unknown } | null)?.parameters;
  const cleaned =
    parameters === undefined ? body : { ...(body as object), parameters: withoutNulls(parameters) };
  const result = schema.safeParse(cleaned, { reportInput: true });
  if (!result.success) throw invalidRequest(result.error);
  return result.data;
}

interface Begun {
  readonly request: GenerateRequest;
  readonly generation: GenerationRequest;
  readonly seed: number | null;
  readonly tokens: TokenView;
  readonly events: Events;
}

async function begin(c: Context<AppEnv>, request: GenerateRequest, kind: AnswerKind): Promise<Begun> {
  const engine = await engineOf(c);
  const { generation, seed } = toGeneration(engine, request, kind);
  const names = { prompt: 'inputs', maxTokens: 'max_new_tokens' };
  const { events } = await start(c, engine, generation, names);
  return { request, generation, seed, tokens: new TokenView(engine.tokenizer), events };
}

/** What the text begins with. All of the prompt, whatever part of it the model has seen. */
const fullTextBefore = ({ inputs, parameters }: GenerateRequest): string =>
  parameters.return_full_text ? inputs : '';

/** A text with all that `details` may tell of it. */
interface Sequence {
  readonly generated_text: string;
  readonly finish_reason: string;
  readonly generated_tokens: number;
  readonly seed: number | null;
  readonly prefill: readonly PrefillToken[];
  readonly tokens: readonly TgiToken[];
  readonly top_tokens: readonly (readonly TgiToken[])[];
  readonly sequences_score?: number;
}

/** Puts the events of one choice together. */
class SequenceWriter {
  readonly #begun: Begun;
  readonly #tokens: TgiToken[] = [];
  readonly #top: TgiToken[][] = [];
  #text = '';
  #prefill: PrefillToken[] = [];

  constructor(begun: Begun) {
    this.#begun = begun;
    this.#text = fullTextBefore(begun.request);
  }

  prompt(logprobs: Extract<GenerationEvent, { type: 'prompt' }>['logprobs']): void {
    const [prompt] = this.#begun.generation.prompts;
    if (prompt) this.#prefill = this.#begun.tokens.prefill(prompt, logprobs);
  }

  token(event: TextTokenEvent): void {
    this.#tokens.push(this.#begun.tokens.generated(event));
    this.#top.push(this.#begun.tokens.top(event));
    this.#text += event.text;
  }

  finished({ text, reason, score }: FinishedChoice): Sequence {
    const last = this.#tokens.pop();
    if (last) this.#tokens.push(withRest(last, text));
    return {
      generated_text: this.#text + text,
      finish_reason: finishReason(reason),
      generated_tokens: this.#tokens.length,
      seed: this.#begun.seed,
      prefill: this.#prefill,
      tokens: this.#tokens,
      top_tokens: this.#top,
      ...(score !== null && { sequences_score: score }),
    };
  }
}

async function whole(c: Context<AppEnv>, begun: Begun): Promise<Sequence[]> {
  const writers = Array.from({ length: begun.generation.n }, () => new SequenceWriter(begun));
  const sequences: Sequence[] = [];
  await collect(c, begun.events, (event) => {
    if (event.type === 'prompt') for (const writer of writers) writer.prompt(event.logprobs);
    if (event.type === 'token') writers[event.choice]?.token(event);
    if (event.type !== 'finished') return;
    const sequence = writers[event.choice]?.finished(event);
    if (sequence) sequences[event.choice] = sequence;
  });
  // Of TGI's headers those that are true here: a deployed Worker's clock stands still while it computes.
  c.header('x-prompt-tokens', String(begun.generation.prompts[0]?.ids.length));
  c.header('x-generated-tokens', String(sequences[0]?.generated_tokens));
  return sequences;
}

/** `details`, if they are asked for. */
function detailsOf([first, ...others]: readonly Sequence[], { parameters }: GenerateRequest): object {
  if (!first || !hasDetails(parameters)) return {};
  const shown = ({ top_tokens, ...sequence }: Sequence) =>
    parameters.top_n_tokens > 0 ? { ...sequence, top_tokens } : sequence;
  const { generated_text, ...details } = shown(first);
  return {
    details: {
      ...details,
      ...(others.length > 0 && { best_of_sequences: others.map(shown) }),
    },
  };
}

/** The last token's event has the text and its details: each waits for the next one. */
function streamed(c: Context<AppEnv>, begun: Begun): Response {
  const { request, tokens, seed, generation } = begun;
  const { top_n_tokens, include_beams } = request.parameters;
  const [prompt] = generation.prompts;
  let text = fullTextBefore(request);
  let index = 0;
  let waiting: { index: number; token: TgiToken; top_tokens?: TgiToken[] } | undefined;
  const message = (data: object) => ({ data: JSON.stringify(data) });
  const shape: StreamShape = {
    *of(event) {
      if (event.type === 'beams' && include_beams) {
        yield message({ beams: { step: event.step, front: event.beams } });
      }
      if (event.type !== 'token' && event.type !== 'finished') return;
      text += event.text;
      if (event.type === 'token') {
        if (waiting) yield message({ ...waiting, generated_text: null, details: null });
        const top = top_n_tokens > 0 ? { top_tokens: tokens.top(event) } : {};
        waiting = { index: ++index, token: tokens.generated(event), ...top };
      } else if (waiting) {
        yield message({
          ...waiting,
          token: withRest(waiting.token, event.text),
          generated_text: text,
          details: streamDetails(event, {
            generated_tokens: index,
            input_length: prompt?.ids.length ?? 0,
            seed,
          }),
        });
      }
    },
    *end() {},
    error: (error) => message(tgiError(error).body),
  };
  return stream(c, begun.events, shape);
}
