/** @module The types of Hono's context: what a deployment binds, and what a request carries. */
import type { IsolateModel } from '../isolate/isolate-model.ts';
import type { RequestRecord } from './request-record.ts';

/** The bindings beside those that `wrangler.toml` declares. A bucket takes precedence over the static assets. */
export type Bindings = Env & {
  readonly MODEL_BUCKET?: R2Bucket;
  /** Folder of the model in the bucket, with its slash. */
  readonly MODEL_PREFIX?: string;
  /** Keys that grant access, separated by commas; without it access is open. */
  readonly API_KEYS?: string;
  /** Origins that CORS allows, separated by commas; without it all. */
  readonly CORS_ORIGINS?: string;
  readonly RATE_LIMITER?: RateLimit;
};

export interface AppEnv {
  Bindings: Bindings;
  Variables: {
    model: IsolateModel;
    requestId: string;
    /** Set for a page with a style of its own. */
    secureHeadersNonce?: string;
    record: RequestRecord;
    /** Settles when the response's stream ends. */
    streaming?: Promise<void>;
  };
}
