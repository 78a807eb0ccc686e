/** @module For tests over real HTTP: checks every answer of a local Worker against the OpenAPI document. */
import { afterEach, inject } from 'vitest';
import type { OpenApiDocument } from '../../worker/openapi/types.ts';
import { answerChecker } from './checked.ts';
import './clients-server.ts';

const plainFetch = globalThis.fetch;
const document = (await (await plainFetch(`${inject('server')}/openapi.json`)).json()) as OpenApiDocument;
const checked = answerChecker(document);
/** Thrown after the test: inside fetch, a client would only retry. */
const problems: unknown[] = [];

globalThis.fetch = async (input, init) => {
  const response = await plainFetch(input, init);
  const request = input instanceof Request ? input : new Request(input, { method: init?.method ?? 'GET' });
  const { hostname, pathname } = new URL(request.url);
  if (hostname !== 'localhost' && hostname !== '127.0.0.1') return response;
  try {
    return await checked(pathname, { ...init, method: request.method }, response);
  } catch (error) {
    problems.push(error);
    return response;
  }
};

afterEach(() => {
  const [problem] = problems.splice(0);
  if (problem) throw problem;
});
