/** @module What calls over RPC take and give: the bodies of the routes, without what belongs to HTTP. */
import type * as z from 'zod';
import type { chatSchema } from '../contracts/openai/chat-schema.ts';
import type {
  chatChunk,
  chatResponse,
  completionChunk,
  completionResponse,
  detokenizeResponse,
  modelList,
} from '../contracts/openai/responses.ts';
import type { completionSchema, detokenizeSchema } from '../contracts/openai/schema.ts';
import type { healthResponse } from '../contracts/operation/responses.ts';
import type { perplexityResponse, scoreResponse } from '../contracts/score/responses.ts';
import type { perplexitySchema, scoreSchema } from '../contracts/score/schema.ts';
import type { suggestResponse } from '../contracts/suggest/responses.ts';
import type { suggestSchema } from '../contracts/suggest/schema.ts';
import type { tokenizeResponse } from '../contracts/tgi/responses.ts';
import type { tokenizeSchema } from '../contracts/tgi/schema.ts';
import type { CancelSignal } from './cancel.ts';

type NumberArray =
  | (Int8Array | Int16Array | Int32Array | BigInt64Array)
  | (Uint8Array | Uint8ClampedArray | Uint16Array | Uint32Array | BigUint64Array)
  | (Float32Array | Float64Array);

/** Typed arrays may stand for lists of numbers. */
type Sent<Value> = Value extends readonly number[]
  ? Value | NumberArray
  : Value extends object
    ? { [Key in keyof Value]: Sent<Value[Key]> }
    : Value;

/** The method says whether the answer is streamed. */
type Unstreamed<Request> = Omit<Request, 'stream'>;

/** The body of `POST /v1/completions`. */
export type CompletionRequest = Sent<Unstreamed<z.input<typeof completionSchema>>>;
export type Completion = z.output<typeof completionResponse>;
/** An event of a streamed completion. */
export type CompletionChunk = z.output<typeof completionChunk>;

/** The body of `POST /v1/chat/completions`. */
export type ChatRequest = Sent<Unstreamed<z.input<typeof chatSchema>>>;
export type Chat = z.output<typeof chatResponse>;
/** An event of a streamed chat. */
export type ChatChunk = z.output<typeof chatChunk>;

/** The body of `POST /v1/score`. */
export type ScoreRequest = Sent<z.input<typeof scoreSchema>>;
export type Score = z.output<typeof scoreResponse>;

/** The body of `POST /v1/perplexity`. */
export type PerplexityRequest = Sent<Unstreamed<z.input<typeof perplexitySchema>>>;
export type Perplexity = z.output<typeof perplexityResponse>;

/** The body of `POST /v1/suggest`. */
export type SuggestRequest = Sent<z.input<typeof suggestSchema>>;
export type Suggestions = z.output<typeof suggestResponse>;

/** The body of `POST /tokenize`. */
export type TokenizeRequest = Sent<z.input<typeof tokenizeSchema>>;
export type Tokens = z.output<typeof tokenizeResponse>;

/** The body of `POST /detokenize`. */
export type DetokenizeRequest = Sent<z.input<typeof detokenizeSchema>>;
export type Detokenized = z.output<typeof detokenizeResponse>;

export type ModelList = z.output<typeof modelList>;
export type Health = z.output<typeof healthResponse>;

export interface CallOptions {
  /** Ends the call early, and gives back all that it holds. */
  readonly signal?: CancelSignal | undefined;
}
