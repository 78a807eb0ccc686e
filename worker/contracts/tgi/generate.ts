/** @module `POST /`, `/generate` and `/generate_stream` of TGI's contract. */
import type { Context } from 'hono';
import type { AppEnv } from '../../http/env.ts';
import { parsedBody } from '../../http/json-body.ts';
import type { ChoiceFinishedEvent, GenerationEvent, TextTokenEvent } from '../../serving/events.ts';
import type { Generation } from '../../serving/generate.ts';
import type { GenerationRequest } from '../../serving/request.ts';
import { beginGeneration, collectEvents, type StreamFormat, streamEvents } from '../../serving/respond.ts';
import { servedModel } from '../../serving/served-model.ts';
import { tgiErrors } from './errors.ts';
import {
  compatSchema,
  type GenerateRequest,
  generateSchema,
  generateStreamSchema,
  hasDetails,
} from './schema.ts';
import {
  finishReason,
  type PrefillToken,
  type ReportedSeed,
  seedOf,
  streamDetails,
  type TgiToken,
  TgiTokens,
  withRest,
} from './tokens.ts';
import { type AnswerKind, toGeneration } from './translate.ts';

/** `POST /` */
export async function compatGenerate(c: Context<AppEnv>): Promise<Response> {
  const { stream, ...request } = await parsedBody(c, compatSchema);
  // Hugging Face's inference API includes the prompt for the pipeline text-generation.
  request.parameters.return_full_text ??= true;
  if (stream) return streamed(c, await begin(c, request, 'stream'));
  const sequences = await whole(c, await begin(c, request, 'list'));
  const texts = sequences.map(({ generated_text }) => ({ generated_text }));
  const [first, ...others] = texts.slice(0, request.parameters.num_return_sequences);
  return c.json([{ ...first, ...detailsOf(sequences, request) }, ...others]);
}

export async function generate(c: Context<AppEnv>): Promise<Response> {
  const request = await parsedBody(c, generateSchema);
  const sequences = await whole(c, await begin(c, request, 'one'));
  const [first] = sequences;
  return c.json({ generated_text: first?.generated_text, ...detailsOf(sequences, request) });
}

export async function generateStream(c: Context<AppEnv>): Promise<Response> {
  return streamed(c, await begin(c, await parsedBody(c, generateStreamSchema), 'stream'));
}

interface Started {
  readonly request: GenerateRequest;
  readonly generationRequest: GenerationRequest;
  readonly generation: Generation;
  readonly tokens: TgiTokens;
}

async function begin(c: Context<AppEnv>, request: GenerateRequest, kind: AnswerKind): Promise<Started> {
  const model = await servedModel(c);
  const generationRequest = toGeneration(model, request, kind);
  const generation = await beginGeneration(c, model, generationRequest);
  return { request, generationRequest, generation, tokens: new TgiTokens(model.tokenizer) };
}

/** The text before the generated one: the whole prompt, even if `truncate` shortened it for the model. */
const promptPrefix = ({ inputs, parameters }: GenerateRequest): string =>
  parameters.return_full_text ? inputs : '';

/** A text and its `details`. */
interface Sequence {
  readonly generated_text: string;
  readonly finish_reason: string;
  readonly generated_tokens: number;
  readonly seed: ReportedSeed;
  readonly prefill: readonly PrefillToken[];
  readonly tokens: readonly TgiToken[];
  readonly top_tokens: readonly (readonly TgiToken[])[];
  readonly sequences_score?: number;
}

/** Collects the events of one choice. */
class SequenceWriter {
  readonly #started: Started;
  readonly #tokens: TgiToken[] = [];
  readonly #top: TgiToken[][] = [];
  #text = '';
  #prefill: PrefillToken[] = [];

  constructor(started: Started) {
    this.#started = started;
    this.#text = promptPrefix(started.request);
  }

  prompt(logprobs: Extract<GenerationEvent, { type: 'prompt' }>['logprobs']): void {
    const [prompt] = this.#started.generationRequest.prompts;
    if (prompt) this.#prefill = this.#started.tokens.prefill(prompt, logprobs);
  }

  token(event: TextTokenEvent): void {
    this.#tokens.push(this.#started.tokens.generated(event));
    this.#top.push(this.#started.tokens.top(event));
    this.#text += event.text;
  }

  finished({ text, reason, score }: ChoiceFinishedEvent): Sequence {
    const last = this.#tokens.pop();
    if (last) this.#tokens.push(withRest(last, text));
    return {
      generated_text: this.#text + text,
      finish_reason: finishReason(reason),
      generated_tokens: this.#tokens.length,
      seed: seedOf(this.#started.generationRequest),
      prefill: this.#prefill,
      tokens: this.#tokens,
      top_tokens: this.#top,
      ...(score !== null && { sequences_score: score }),
    };
  }
}

async function whole(c: Context<AppEnv>, started: Started): Promise<Sequence[]> {
  const writers = Array.from({ length: started.generationRequest.n }, () => new SequenceWriter(started));
  const sequences: Sequence[] = [];
  await collectEvents(c, started.generation, (event) => {
    if (event.type === 'prompt') for (const writer of writers) writer.prompt(event.logprobs);
    if (event.type === 'token') writers[event.choice]?.token(event);
    if (event.type !== 'finished') return;
    const sequence = writers[event.choice]?.finished(event);
    if (sequence) sequences[event.choice] = sequence;
  });
  // TGI's timing headers are omitted: the clock of a deployed Worker does not advance while it computes.
  c.header('x-prompt-tokens', String(started.generationRequest.prompts[0]?.ids.length));
  c.header('x-generated-tokens', String(sequences[0]?.generated_tokens));
  return sequences;
}

/** `details`, if the request includes a field that implies them. */
function detailsOf([first, ...others]: readonly Sequence[], { parameters }: GenerateRequest): object {
  if (!first || !hasDetails(parameters)) return {};
  const withTop = ({ top_tokens, ...sequence }: Sequence) =>
    parameters.top_n_tokens > 0 ? { ...sequence, top_tokens } : sequence;
  const { generated_text, ...details } = withTop(first);
  return {
    details: {
      ...details,
      ...(others.length > 0 && { best_of_sequences: others.map(withTop) }),
    },
  };
}

/**
 * TGI's last token event carries the whole text and its details, so each event is delayed until the next one
 * comes.
 */
function streamed(c: Context<AppEnv>, started: Started): Response {
  const { request, tokens, generationRequest } = started;
  const { top_n_tokens, include_beams } = request.parameters;
  const [prompt] = generationRequest.prompts;
  let text = promptPrefix(request);
  let index = 0;
  let delayed: { index: number; token: TgiToken; top_tokens?: TgiToken[] } | undefined;
  const message = (data: object) => ({ data: JSON.stringify(data) });
  const format: StreamFormat = {
    *event(event) {
      if (event.type === 'beams' && include_beams) {
        yield message({ beams: { step: event.step, front: event.beams } });
      }
      if (event.type !== 'token' && event.type !== 'finished') return;
      text += event.text;
      if (event.type === 'token') {
        if (delayed) yield message({ ...delayed, generated_text: null, details: null });
        const top = top_n_tokens > 0 ? { top_tokens: tokens.top(event) } : {};
        delayed = { index: ++index, token: tokens.generated(event), ...top };
      } else if (delayed) {
        yield message({
          ...delayed,
          token: withRest(delayed.token, event.text),
          generated_text: text,
          details: streamDetails(event, {
            generated_tokens: index,
            input_length: prompt?.ids.length ?? 0,
            seed: seedOf(generationRequest),
          }),
        });
      }
    },
    *end() {},
    error: (error) => message(tgiErrors.body(error)),
  };
  return streamEvents(c, started.generation, format);
}
