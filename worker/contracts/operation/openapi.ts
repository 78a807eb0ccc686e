/** @module `GET /openapi.json`, and `GET /docs`, the same as a page. */
import { Hono } from 'hono';
import { NONCE, secureHeaders } from 'hono/secure-headers';
import type { AppEnv } from '../../http/env.ts';
import { openApiDocument } from '../../openapi/document.ts';
import { referencePage } from '../../openapi/page.ts';

export const openapi = new Hono<AppEnv>().get('/', (c) => c.json(openApiDocument()));

/** No script, nothing from elsewhere: it works without a network beyond the Worker. */
const pageHeaders = secureHeaders({
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    styleSrc: [NONCE],
    baseUri: ["'none'"],
    formAction: ["'none'"],
    frameAncestors: ["'none'"],
  },
  crossOriginResourcePolicy: 'cross-origin',
  xFrameOptions: 'DENY',
});

export const docs = new Hono<AppEnv>().get('/', pageHeaders, (c) =>
  c.html(referencePage(openApiDocument(), c.get('secureHeadersNonce') ?? '')),
);
