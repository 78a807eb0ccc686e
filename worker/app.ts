/** @module The routes, and what is true of all of them. */
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { methodNotAllowed } from 'hono/method-not-allowed';
import type { AppEnv } from './bindings.ts';
import { ApiError, errorResponse } from './errors.ts';
import type { IsolateEngine } from './isolate-engine.ts';
import { completions } from './routes/completions.ts';
import { health } from './routes/health.ts';
import { models } from './routes/models.ts';

const MAX_BODY_BYTES = 2 ** 20;

export function createApp(engine: IsolateEngine): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.onError(errorResponse);
  app.notFound((c) => {
    const error = new ApiError(404, `There is nothing at ${c.req.method} ${c.req.path}`, {
      code: 'not_found',
    });
    return errorResponse(error, c);
  });
  app.use(async (c, next) => {
    c.set('engine', engine);
    await next();
  });
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (c, methods) => {
        const allow = methods.join(', ');
        const message = `${c.req.path} takes ${allow}, not ${c.req.method}`;
        return errorResponse(
          new ApiError(405, message, { code: 'method_not_allowed', headers: { allow } }),
          c,
        );
      },
    }),
  );
  app.use(
    bodyLimit({
      maxSize: MAX_BODY_BYTES,
      onError: () => {
        throw new ApiError(413, `The request body is larger than ${MAX_BODY_BYTES} bytes`, {
          code: 'body_too_large',
        });
      },
    }),
  );
  app.route('/v1/completions', completions);
  app.route('/v1/models', models);
  app.route('/health', health);
  return app;
}
