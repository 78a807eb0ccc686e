/** @module How large the body of a request may be. */
import { ApiError } from './errors.ts';

/** Of a body as sent, of a decompressed one, and of a request over RPC. */
export const MAX_BODY_BYTES = 2 ** 20;

export function bodyTooLarge(): ApiError {
  const message = `The request body is larger than ${MAX_BODY_BYTES} bytes`;
  return new ApiError(413, message, { code: 'body_too_large' });
}
