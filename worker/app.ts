/** @module The Hono app: the routes of all contracts, and the middleware of every request. */
import { Hono } from 'hono';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { requestId } from 'hono/request-id';
import { allContracts } from './contracts.ts';
import { basePathOf, pathBelow, requestedPath } from './http/base-path.ts';
import type { AppEnv } from './http/env.ts';
import { errorHandler } from './http/error-response.ts';
import { ApiError } from './http/errors.ts';
import { RequestBodies } from './http/request-bodies.ts';
import type { IsolateModel } from './isolate/isolate-model.ts';
import { keys, rateLimit } from './operate/keys.ts';
import { crossOrigin, logged, privateNetwork, securityHeaders } from './operate/middleware.ts';
import { Records } from './operate/records.ts';

export function createApp(model: IsolateModel): Hono<AppEnv> {
  const app = new Hono<AppEnv>({
    getPath: (request, options) => pathBelow(basePathOf(options?.env ?? {}), request),
  });
  const records = new Records();
  const bodies = new RequestBodies();
  const contracts = allContracts(records);
  const errorResponse = errorHandler(contracts);
  app.onError(errorResponse);
  app.notFound((c) => {
    const message = `No route for ${c.req.method} ${requestedPath(c.req)}`;
    return errorResponse(new ApiError(404, message, { code: 'not_found' }), c);
  });
  app.use(async (_, next) => {
    model.loaded?.engine.noticeArrival();
    await next();
  });
  app.use(requestId());
  app.use(logged(records));
  app.use(securityHeaders);
  app.use(privateNetwork);
  app.use(crossOrigin);
  app.use(keys(contracts));
  app.use(rateLimit(contracts));
  app.use(async (c, next) => {
    c.set('model', model);
    c.set('bodies', bodies);
    await next();
    // A generation closes it earlier: when it has reserved the memory of its prompts.
    c.get('body')?.close();
  });
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (c, methods) => {
        const allow = methods.join(', ');
        const message = `${requestedPath(c.req)} takes ${allow}, not ${c.req.method}`;
        const error = new ApiError(405, message, { code: 'method_not_allowed', headers: { allow } });
        return errorResponse(error, c);
      },
    }),
  );
  for (const { routes } of contracts) {
    for (const { method, path, middleware = [], handler } of routes) {
      app.on(method.toUpperCase(), [path], ...middleware, handler);
    }
  }
  return app;
}
