/** @module One completion: from a request to text as it comes, whatever shape it is sent in. */
import { decode, mostNewTokens } from '../decoding/decode.ts';
import { StoppableText } from '../decoding/text.ts';
import type { Engine } from './engine/engine.ts';
import { SlotsExhaustedError } from './engine/errors.ts';
import { ApiError } from './errors.ts';
import type { CompletionRequest } from './schemas/completion.ts';

const RETRY_AFTER_SECONDS = 1;

export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

export type CompletionEvent =
  /** One for each token; the text may be empty while a character or a stop string is undecided. */
  | { readonly type: 'text'; readonly text: string }
  | {
      readonly type: 'finished';
      readonly text: string;
      readonly finish_reason: 'stop' | 'length';
      readonly usage: Usage;
    };

/**
 * Checks the request against the model, reserves what it may need, and computes the prompt: the answer's status is known
 * when this returns.
 * @returns the events, of which the first is there already; leaving them gives everything back
 * @throws ApiError 404 for another model, 400 for what can never fit, 503 for what does not fit now
 */
export async function startCompletion(
  engine: Engine,
  request: CompletionRequest,
  signal: AbortSignal,
): Promise<AsyncGenerator<CompletionEvent, void, undefined>> {
  const { name } = engine.manifest;
  if (request.model != null && request.model !== name) {
    throw new ApiError(404, `The model '${request.model}' does not exist; this is '${name}'`, {
      param: 'model',
      code: 'model_not_found',
    });
  }
  const prompt = promptTokens(engine, request.prompt);
  checkContext(engine, prompt.length, request.max_tokens);
  const events = run(engine, prompt, request, signal);
  try {
    return withFirst(await events.next(), events);
  } catch (error) {
    throw error instanceof SlotsExhaustedError ? tooFewSlots(error, prompt.length) : error;
  }
}

async function* run(
  engine: Engine,
  prompt: ArrayLike<number>,
  request: CompletionRequest,
  signal: AbortSignal,
): AsyncGenerator<CompletionEvent, void, undefined> {
  const text = new StoppableText(engine.tokenizer.decoder(), request.stop);
  let tokens = 0;
  const finished = (rest: string, finish_reason: 'stop' | 'length'): CompletionEvent => ({
    type: 'finished',
    text: rest,
    finish_reason,
    usage: {
      prompt_tokens: prompt.length,
      completion_tokens: tokens,
      total_tokens: prompt.length + tokens,
    },
  });
  if (request.max_tokens === 0) {
    yield finished('', 'length');
    return;
  }
  const { max_tokens, temperature, seed } = request;
  const sampling = temperature > 0 ? { do_sample: true, temperature, seed: seed ?? randomSeed() } : {};
  for await (const event of decode(engine, prompt, { max_new_tokens: max_tokens, ...sampling }, { signal })) {
    if (event.type === 'finished') {
      const rest = text.flush();
      yield finished(rest.text, rest.stopped || event.reason === 'eos' ? 'stop' : 'length');
    }
    if (event.type !== 'token' || engine.eosTokenIds.includes(event.token)) continue;
    tokens++;
    const piece = text.push(event.token);
    if (piece.stopped) {
      yield finished(piece.text, 'stop');
      return;
    }
    yield { type: 'text', text: piece.text };
  }
}

/** A generator of which one event was taken, with that event again. */
async function* withFirst<T>(first: IteratorResult<T, void>, rest: AsyncGenerator<T, void, undefined>) {
  try {
    if (!first.done) yield first.value;
    yield* rest;
  } finally {
    await rest.return();
  }
}

/** An empty prompt is the beginning of a text, which GPT-2 knows by its end-of-text token. */
function promptTokens(engine: Engine, prompt: string): ArrayLike<number> {
  const ids = engine.tokenizer.encode(prompt);
  if (ids.length > 0) return ids;
  const { bos_token_id } = engine.manifest.config;
  if (bos_token_id === null) {
    throw new ApiError(
      400,
      "Invalid 'prompt': it is empty, and the model has no token to begin a text with",
      {
        param: 'prompt',
        code: 'invalid_value',
      },
    );
  }
  return [bos_token_id];
}

function checkContext(engine: Engine, promptLength: number, maxTokens: number): void {
  const limit = engine.contextLength;
  const asked = promptLength + maxTokens;
  if (asked <= limit) return;
  throw new ApiError(
    400,
    `This model's context is ${limit} tokens, but ${asked} were asked for: ${promptLength} in the prompt and ` +
      `${maxTokens} in max_tokens`,
    { param: promptLength < limit ? 'max_tokens' : 'prompt', code: 'context_length_exceeded' },
  );
}

function tooFewSlots(error: SlotsExhaustedError, promptLength: number): ApiError {
  const { requested, maximum } = error;
  if (requested > maximum) {
    const most = mostNewTokens(maximum, promptLength, 1);
    const message =
      `This deployment's cache holds ${maximum} tokens, but ${requested} are needed for a prompt of ${promptLength} ` +
      `and what is to follow: ${most > 0 ? `after this prompt max_tokens can be at most ${most}` : 'the prompt alone is too long'}`;
    return new ApiError(400, message, {
      param: most > 0 ? 'max_tokens' : 'prompt',
      code: 'cache_size_exceeded',
    });
  }
  return new ApiError(503, `Busy: ${error.message}`, {
    code: 'overloaded',
    headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
  });
}

function randomSeed(): number {
  const [seed = 0] = crypto.getRandomValues(new Uint32Array(1));
  return seed;
}
