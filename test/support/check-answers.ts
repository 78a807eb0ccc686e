/** @module For tests over real HTTP: holds every answer of a Worker on this machine to the OpenAPI document. */
import { checked } from './checked.ts';

const plainFetch = globalThis.fetch;

globalThis.fetch = async (input, init) => {
  const response = await plainFetch(input, init);
  const request = input instanceof Request ? input : new Request(input, { method: init?.method ?? 'GET' });
  const { hostname, pathname } = new URL(request.url);
  if (hostname !== 'localhost' && hostname !== '127.0.0.1') return response;
  return checked(pathname, { ...init, method: request.method }, response);
};
