/** @module The chunks of a stream in OpenAI's shape, of completions and of chats. */
import type { Context } from 'hono';
import type { AppEnv } from '../../http/env.ts';
import type { GenerationEvent } from '../../serving/events.ts';
import type { Generation } from '../../serving/generate.ts';
import { type StreamFormat, streamEvents } from '../../serving/respond.ts';
import { ChunkUsage } from './chunk-usage.ts';
import { openaiErrors } from './errors.ts';
import type { GenerationFields } from './generation-fields.ts';

/** The fields that all chunks of an answer share, and the whole answer too. */
export interface Head {
  readonly id: string;
  readonly object: string;
  /** Unix time in seconds. */
  readonly created: number;
  readonly model: string;
}

export function headOf(prefix: string, object: string, model: string): Head {
  return { id: `${prefix}-${crypto.randomUUID()}`, object, created: Math.floor(Date.now() / 1000), model };
}

/** A piece of one choice. */
interface Piece {
  readonly index: number;
}

export interface Chunk {
  readonly choices: readonly [Piece];
  /** Whether it adds a token to its choice. */
  readonly hasToken: boolean;
  /** Fields beside `choices`. */
  readonly others?: object;
}

/** A chunk for each piece of an event. */
export function* chunksOf(event: GenerationEvent, pieces: Iterable<Piece>): Generator<Chunk, void> {
  const added = Array.from(pieces);
  // What begins a choice may precede the piece of its token.
  for (const [i, piece] of added.entries()) {
    yield { choices: [piece], hasToken: event.type === 'token' && i === added.length - 1 };
  }
}

export interface StreamedAnswer {
  readonly head: Head;
  chunks(event: GenerationEvent): Iterable<Chunk>;
  readonly generation: Generation;
  readonly options: GenerationFields['stream_options'];
}

export function streamChunks(
  c: Context<AppEnv>,
  { head, chunks, generation, options }: StreamedAnswer,
): Response {
  const { continuous_usage_stats = false, include_beams = false } = options ?? {};
  // As in vLLM, the usage of each chunk comes with that of the last one.
  const { include_usage = continuous_usage_stats } = options ?? {};
  // With `include_usage` every chunk has the field `usage`.
  const begin = include_usage ? { ...head, usage: null } : head;
  /** Of a text that may be longer than the context, every chunk tells how often tokens have been dropped. */
  const common = () => {
    const { context_resets } = generation.usage;
    return context_resets === undefined ? begin : { ...begin, context_resets };
  };
  const counts = new ChunkUsage(generation.request);
  const message = (data: object) => ({ data: JSON.stringify(data) });
  const format: StreamFormat = {
    *event(event) {
      if (event.type === 'beams' && include_beams) {
        const { prompt, step, beams } = event;
        yield message({ ...common(), choices: [], beams: { prompt, step, front: beams } });
      }
      for (const { choices, hasToken, others } of chunks(event)) {
        const usage = continuous_usage_stats && { usage: counts.of(choices[0].index, hasToken) };
        yield message({ ...common(), ...usage, choices, ...others });
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
