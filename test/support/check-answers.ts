/** @module For tests over real HTTP: checks every answer of a local Worker against its own OpenAPI document. */
import { afterEach } from 'vitest';
import type { OpenApiDocument } from '../../worker/openapi/types.ts';
import { answerChecker, type CheckedAnswer } from './checked.ts';

const plainFetch = globalThis.fetch;
/** By the origin of a server. */
const checkers = new Map<string, Promise<CheckedAnswer>>();
/** Thrown after the test: inside fetch, a client would only retry. */
const problems: unknown[] = [];

globalThis.fetch = async (input, init) => {
  const response = await plainFetch(input, init);
  const request = input instanceof Request ? input : new Request(input, { method: init?.method ?? 'GET' });
  const { hostname, origin, pathname } = new URL(request.url);
  if (hostname !== 'localhost' && hostname !== '127.0.0.1') return response;
  try {
    const checked = await checkerOf(origin);
    return await checked(pathname, { ...init, method: request.method }, response);
  } catch (error) {
    problems.push(error);
    return response;
  }
};

function checkerOf(origin: string): Promise<CheckedAnswer> {
  const known = checkers.get(origin) ?? loadChecker(origin);
  checkers.set(origin, known);
  return known;
}

async function loadChecker(origin: string): Promise<CheckedAnswer> {
  const response = await plainFetch(`${origin}/openapi.json`);
  return answerChecker((await response.json()) as OpenApiDocument);
}

afterEach(() => {
  const [problem] = problems.splice(0);
  if (problem) throw problem;
});
