/** @module What an answer must be, whatever the request was. */
import { isDeepStrictEqual } from 'node:util';
import type { OpenApiDocument } from '../../worker/openapi/types.ts';
import { partName, withoutVaryingFields } from '../support/load-client.ts';
import { OpenApiCheck } from '../support/openapi-check.ts';
import type { FuzzAnswer } from './client.ts';
import { type FuzzRequest, optionsOf, WITHOUT_SEED } from './requests.ts';
import { checkTexts } from './texts.ts';

export class Judge {
  readonly #check: OpenApiCheck;

  constructor(document: OpenApiDocument) {
    this.#check = new OpenApiCheck(document);
  }

  /** @returns what is wrong with the answer, or null */
  fault(request: FuzzRequest, answer: FuzzAnswer): string | null {
    const { status, failure, disconnected, text } = answer;
    if (failure !== null) return failure;
    if (disconnected || status === null) return null;
    if (status >= 500 && status !== 503) return `status ${status}: ${text}`;
    try {
      this.#checkDocument(request, answer, status);
      if (status === 200) checkTexts(request.path, bodyOf(request), answer);
      return null;
    } catch (error) {
      // The validator cannot name a field that is a lone surrogate.
      if (error instanceof URIError) return null;
      return error instanceof Error ? error.message : String(error);
    }
  }

  #checkDocument(request: FuzzRequest, { contentType, events, text }: FuzzAnswer, status: number): void {
    const { pathname, search } = new URL(`http://edgebeam${request.path}`);
    const exchange = { method: request.method, path: pathname, status, contentType };
    const body = bodyOf(request);
    // The query of Workers AI adds fields.
    if (status === 200 && body !== undefined && search === '' && request.method === 'POST') {
      this.#check.request(exchange, withoutNestedNulls(body));
    }
    if (events) for (const event of events) this.#check.event(exchange, event);
    else this.#check.answer(exchange, text);
  }
}

/**
 * The body without nulls in objects below its own fields. Such a null means omitted, so the rules for an object's
 * names do not apply to it.
 */
function withoutNestedNulls(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body;
  return Object.fromEntries(Object.entries(body).map(([name, field]) => [name, withoutNulls(field)]));
}

/** A null that is the value itself, or an element of a list, remains. */
function withoutNulls(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), function (this: unknown, key, inner: unknown) {
    return inner === null && key !== '' && !Array.isArray(this) ? undefined : inner;
  });
}

/** The body as JSON; undefined if it is none. */
export function bodyOf({ body }: FuzzRequest): unknown {
  if (typeof body !== 'string') return undefined;
  try {
    // The byte order mark is not part of the JSON text.
    return JSON.parse(body.replace(/^\uFEFF/, ''));
  } catch {
    return undefined;
  }
}

/** @returns how two answers to the same request differ, or null if they need not be equal */
export function difference(request: FuzzRequest, first: FuzzAnswer, second: FuzzAnswer): string | null {
  const isBusy = [first, second].some(({ status }) => status === null || status === 429 || status === 503);
  if (isBusy || !isDeterministic(request, first)) return null;
  if (first.status !== second.status)
    return `the same request has status ${first.status}, then ${second.status}`;
  const [before, after] = [partsOf(first), partsOf(second)];
  if (isDeepStrictEqual(before, after)) return null;
  return `the same request has another answer:\n${JSON.stringify(before)}\n${JSON.stringify(after)}`;
}

function isDeterministic(request: FuzzRequest, { status }: FuzzAnswer): boolean {
  if (status !== 200 || request.method !== 'POST') return true;
  return typeof optionsOf(bodyOf(request))?.seed === 'number' || WITHOUT_SEED.has(request.path);
}

/** The texts of one stream are interleaved arbitrarily, so each has its own list. */
function partsOf({ text, events, contentType }: FuzzAnswer): Record<string, unknown[]> | string {
  if (!contentType?.startsWith('application/json') && !events) return text;
  const parts: Record<string, unknown[]> = {};
  for (const event of events ?? [text]) {
    const data: unknown = event === '[DONE]' || event === '' ? event : JSON.parse(event);
    const part = typeof data === 'object' && data !== null ? partName(data) : 'all';
    parts[part] ??= [];
    parts[part].push(withoutVaryingFields(data));
  }
  return parts;
}
