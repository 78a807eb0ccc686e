/** @module `GET /openapi.json`, and `GET /docs`, the same document as a page. */
import type { Handler } from 'hono';
import { NONCE, secureHeaders } from 'hono/secure-headers';
import { basePathOf } from '../../http/base-path.ts';
import type { Contract } from '../../http/contract.ts';
import type { AppEnv, Bindings } from '../../http/env.ts';
import { openApiDocument } from '../../openapi/document.ts';
import { referencePage } from '../../openapi/page.ts';
import type { OpenApiDocument } from '../../openapi/types.ts';

/** The page runs no script and loads nothing: it works without a network beyond the Worker. */
export const docsHeaders = secureHeaders({
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

/** @param contracts that the document describes */
export function reference(contracts: () => readonly Contract[]): Record<'openapi' | 'docs', Handler<AppEnv>> {
  let last: { readonly base: string; readonly document: OpenApiDocument } | undefined;
  // Built on the first request: the startup time of a Worker is limited.
  const documentOf = async (env: Bindings) => {
    const base = basePathOf(env);
    if (last?.base !== base) last = { base, document: await openApiDocument(contracts(), base) };
    return last.document;
  };
  return {
    openapi: async (c) => c.json(await documentOf(c.env)),
    docs: async (c) => c.html(referencePage(await documentOf(c.env), c.get('secureHeadersNonce') ?? '')),
  };
}
