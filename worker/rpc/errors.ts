/** @module The error of a call over RPC: what HTTP has in its body and its headers, as an error's own properties. */

/** The properties of an error that a caller receives. It is an `Error` there, not an instance of a class of ours. */
export interface RpcErrorFields {
  /** The status that the call would have had over HTTP: 400 for the caller's mistake, 503 for "not now". */
  readonly status: number;
  /** As in docs/api.md: `invalid_value`, `overloaded`, … */
  readonly code: string | null;
  /** The offending field. */
  readonly param: string | null;
  /** OpenAI's type: `invalid_request_error` or `server_error`. */
  readonly type: string;
  /** The id in the log line of the call. */
  readonly requestId: string | null;
  /** Seconds after which a call may succeed, of a transient error. */
  readonly retryAfter: number | null;
}

const RPC_ERROR = 'EdgebeamError';

/** What a body of OpenAI's error shape says. */
export interface ErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string | null;
  };
}

/**
 * Own properties, the name among them, cross a binding; classes and prototypes do not.
 * @param headers of the answer, or of the stream that ends with the error
 */
export function rpcError(
  { error }: ErrorBody,
  status: number,
  headers = new Headers(),
): Error & RpcErrorFields {
  const { message, type, param, code } = error;
  const retryAfter = headers.get('retry-after');
  const fields: RpcErrorFields = {
    status,
    code,
    param,
    type,
    requestId: headers.get('x-request-id'),
    retryAfter: retryAfter === null ? null : Number(retryAfter),
  };
  return Object.assign(new Error(message), { name: RPC_ERROR, ...fields });
}

/** Whether a caught error is one of edgebeam's, with its fields. */
export function isEdgebeamError(error: unknown): error is Error & RpcErrorFields {
  return error instanceof Error && error.name === RPC_ERROR;
}
