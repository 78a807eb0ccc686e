/** @module The routes, and what is true of all of them. */
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { requestId } from 'hono/request-id';
import { errorResponse } from './contracts/error-shapes.ts';
import { completions } from './contracts/openai/completions.ts';
import { models } from './contracts/openai/models.ts';
import { health } from './contracts/operation/health.ts';
import { metrics } from './contracts/operation/metrics.ts';
import { docs, openapi } from './contracts/operation/openapi.ts';
import { resetPrefixCache } from './contracts/operation/reset-prefix-cache.ts';
import { generate } from './contracts/tgi/generate.ts';
import { info, tokenize } from './contracts/tgi/tokenize.ts';
import { run } from './contracts/workers-ai/run.ts';
import type { AppEnv } from './http/env.ts';
import { ApiError } from './http/errors.ts';
import type { IsolateEngine } from './isolate/isolate-engine.ts';
import { keys, rateLimit } from './operate/keys.ts';
import { crossOrigin, guardHeaders, logged } from './operate/middleware.ts';
import { Records } from './operate/records.ts';
import { page } from './page/route.ts';

const MAX_BODY_BYTES = 2 ** 20;

export function createApp(engine: IsolateEngine): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  const records = new Records();
  app.onError(errorResponse);
  app.notFound((c) => {
    const message = `There is nothing at ${c.req.method} ${c.req.path}`;
    return errorResponse(new ApiError(404, message, { code: 'not_found' }), c);
  });
  app.use(requestId());
  app.use(logged(records));
  app.use(guardHeaders);
  app.use(crossOrigin);
  app.use(keys);
  app.use(rateLimit);
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
        const error = new ApiError(405, message, { code: 'method_not_allowed', headers: { allow } });
        return errorResponse(error, c);
      },
    }),
  );
  app.use(
    bodyLimit({
      maxSize: MAX_BODY_BYTES,
      onError: () => {
        const message = `The request body is larger than ${MAX_BODY_BYTES} bytes`;
        throw new ApiError(413, message, { code: 'body_too_large' });
      },
    }),
  );
  app.route('/v1/completions', completions);
  app.route('/v1/models', models);
  app.route('/', generate);
  app.route('/', page);
  app.route('/tokenize', tokenize);
  app.route('/info', info);
  app.route('/ai/run', run);
  app.route('/health', health);
  app.route('/metrics', metrics(records));
  app.route('/reset_prefix_cache', resetPrefixCache);
  app.route('/openapi.json', openapi);
  app.route('/docs', docs);
  return app;
}
