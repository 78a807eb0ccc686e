/** @module Errors in the envelope of Cloudflare's REST API, with the codes that clients of Workers AI know. */
import type { ApiError } from '../../http/errors.ts';

const CODES: Partial<Record<number, number>> = { 404: 3042, 413: 3006, 429: 3036, 503: 3040 };
const INVALID = 5004;
const INTERNAL = 3000;

export function workersAiError({ status, message }: ApiError) {
  const code = CODES[status] ?? (status < 500 ? INVALID : INTERNAL);
  return { result: null, success: false, errors: [{ code, message }], messages: [] };
}
