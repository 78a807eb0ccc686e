/**
 * @module `GET /`: the page on which people watch a search, and its files. They are static, know nothing of the deployment
 * but its API, and need no key. To POST to `/` is to ask as TGI's clients do.
 */
import { Hono } from 'hono';
import { etag } from 'hono/etag';
import { secureHeaders } from 'hono/secure-headers';
import type { AppEnv } from '../http/env.ts';
import icon from './built/icon.svg.txt';
import css from './built/page.css.txt';
import js from './built/page.js.txt';
import html from './page.html';

const FILES = [
  { path: '/', type: 'text/html', text: html },
  { path: '/page.js', type: 'text/javascript', text: js },
  { path: '/page.css', type: 'text/css', text: css },
  { path: '/icon.svg', type: 'image/svg+xml', text: icon },
] as const;

export const PAGE_PATHS: readonly string[] = FILES.map(({ path }) => path);

/** No script and no style but its own files, and nothing from elsewhere. */
const guards = secureHeaders({
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

export const page = new Hono<AppEnv>();

for (const { path, type, text } of FILES) {
  // Guards outermost: the headers of a 304 take the place of those that the browser has kept.
  page.get(path, guards, etag(), (c) =>
    c.body(text, 200, { 'content-type': `${type}; charset=utf-8`, 'cache-control': 'no-cache' }),
  );
}
