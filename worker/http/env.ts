/** @module The types of Hono's context: the bindings of a deployment, and the variables of a request. */
import type { IsolateModel } from '../isolate/isolate-model.ts';
import type { CALLER, Caller } from './caller.ts';
import type { Settings } from './default-settings.ts';
import type { HeldBody, RequestBodies } from './request-bodies.ts';
import type { RequestRecord } from './request-record.ts';

/** Settings, and what a Worker may bind. A bucket takes precedence over static assets. */
export interface Bindings extends Settings {
  /** Static assets with the files of a model. */
  readonly ASSETS?: Fetcher;
  readonly MODEL_BUCKET?: R2Bucket;
  /** Folder of the model in the assets or the bucket, with a trailing slash. */
  readonly MODEL_PREFIX?: string;
  /** API keys, separated by commas. If neither this nor `ADMIN_KEYS` is set, access is open. */
  readonly API_KEYS?: string;
  /** Further keys, which may also reset the whole prefix cache. */
  readonly ADMIN_KEYS?: string;
  /** Whether all keys share one prefix cache. If it is not set, each has its own. */
  readonly PREFIX_CACHE_SHARED?: boolean | string;
  /** Whether the model's own defaults of decoding options apply: `auto`, the default, or `none`. */
  readonly GENERATION_CONFIG?: string;
  /** Origins that CORS allows, separated by commas. If it is not set, all origins are allowed. */
  readonly CORS_ORIGINS?: string;
  readonly RATE_LIMITER?: RateLimit;
  /** Where clients reach the routes: the path of the Worker's route in a zone, such as `/llm`. */
  readonly BASE_PATH?: string;
  /** The objects that sessions go to. If it is not set, requests are answered wherever they arrive. */
  readonly EDGEBEAM_SESSIONS?: DurableObjectNamespace;
  /** The number of objects that share all sessions. */
  readonly SESSION_OBJECTS?: number | string;
  /** Of a request that did not come over HTTP; it is no setting. */
  readonly [CALLER]?: Caller;
}

export interface AppEnv {
  Bindings: Bindings;
  Variables: {
    model: IsolateModel;
    bodies: RequestBodies;
    /** The request's body in their account, once it has been read. */
    body?: HeldBody;
    /** The bytes of the body, decompressed, from when they have been read until they are parsed. */
    bodyBytes?: Uint8Array<ArrayBuffer> | undefined;
    requestId: string;
    /** Set for pages with an inline style. */
    secureHeadersNonce?: string;
    record: RequestRecord;
    /** A digest of the caller's key, on routes that need one in a deployment with keys. */
    key?: string;
    /** Settles when the response's stream ends. */
    streaming?: Promise<void>;
  };
}

/** What of the Hono app its doors need. @param Env the bindings of the Worker, of which edgebeam's are a part */
export interface App<Env extends object> {
  fetch(
    request: Request,
    env: Env & { readonly [CALLER]?: Caller },
    ctx: ExecutionContext,
  ): Response | Promise<Response>;
}
