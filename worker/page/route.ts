/**
 * @module `GET /`: the page that visualizes a search, and its static files, served without a key. The page
 * uses only the public API. `POST /` belongs to the TGI contract.
 */
import { etag } from 'hono/etag';
import { secureHeaders } from 'hono/secure-headers';
import { openaiErrors } from '../contracts/openai/errors.ts';
import { basePathOf } from '../http/base-path.ts';
import type { Contract } from '../http/contract.ts';
import icon from './built/icon.svg.txt';
import css from './built/page.css.txt';
import js from './built/page.js.txt';
import html from './page.html';

const FILES = [
  { path: '/', type: 'text/html', text: html, summary: 'A page that sends requests, and draws the search' },
  { path: '/page.js', type: 'text/javascript', text: js, summary: 'Its script' },
  { path: '/page.css', type: 'text/css', text: css, summary: 'Its style' },
  { path: '/icon.svg', type: 'image/svg+xml', text: icon, summary: 'Its icon' },
] as const;

/** Allows only the page's own files and requests to its own origin, and no inline script or style. */
const securityHeaders = secureHeaders({
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    connectSrc: ["'self'"],
    imgSrc: ["'self'"],
    baseUri: ["'none'"],
    formAction: ["'none'"],
    frameAncestors: ["'none'"],
  },
  xFrameOptions: 'DENY',
});

/** Its files are static and need no key. */
export const page: Contract = {
  name: 'Page',
  description: 'A page for people.',
  errors: openaiErrors,
  routes: FILES.map(({ path, type, text, summary }) => ({
    method: 'get',
    path,
    summary,
    text: type,
    open: true,
    // Security headers outermost: a 304 needs them too, as its headers replace those in the browser's cache.
    middleware: [securityHeaders, etag()],
    handler: (c) =>
      c.body(path === '/' ? below(basePathOf(c.env), text) : text, 200, {
        'content-type': `${type}; charset=utf-8`,
        'cache-control': 'no-cache',
      }),
  })),
};

/** The page with the base path in its links. Its script finds it in its own address. */
const below = (base: string, page: string): string => page.replaceAll('="/', `="${encodeURI(base)}/`);
