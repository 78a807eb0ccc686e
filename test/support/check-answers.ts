/** @module For tests over real HTTP: holds every answer of a Worker on this machine to the OpenAPI document. */
import { afterEach } from 'vitest';
import { checked } from './checked.ts';

const plainFetch = globalThis.fetch;
/** Told at the test's end: a client would only ask again. */
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
