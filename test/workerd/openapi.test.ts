/** @module The OpenAPI document and its page: complete, and without external resources. */
import { inspectRoutes } from 'hono/dev';
import { describe, expect, it } from 'vitest';
import { createApp } from '../../worker/app.ts';
import { allContracts } from '../../worker/contracts.ts';
import { IsolateModel } from '../../worker/isolate/isolate-model.ts';
import { modules } from '../../worker/modules.ts';
import { openApiDocument } from '../../worker/openapi/document.ts';
import { fieldsOf } from '../../worker/openapi/page-fields.ts';
import type { OpenApiDocument } from '../../worker/openapi/types.ts';
import { Records } from '../../worker/operate/records.ts';
import { startApp } from './client.ts';

const document = await openApiDocument(allContracts(new Records()));
const app = startApp();

describe('GET /openapi.json', () => {
  it('describes exactly the routes of the app', async () => {
    const routes = inspectRoutes(createApp(new IsolateModel(modules)))
      .filter(({ isMiddleware }) => !isMiddleware)
      .map(({ method, path }) => `${method} ${path.replace(/:(\w+)(\{[^}]*\})?/g, '{$1}')}`);
    const served = await (await app.fetch('/openapi.json')).json<OpenApiDocument>();
    expect(served).toEqual(document);
    const documented = Object.entries(served.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(documented.sort()).toEqual([...new Set(routes)].sort());
  });
});

describe('GET /docs', () => {
  it('lists every path and every field', async () => {
    const page = await (await app.fetch('/docs')).text();
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const method of Object.keys(methods)) expect(page).toContain(`${method.toUpperCase()} ${path}<`);
    }
    for (const schema of Object.values(document.components.schemas)) {
      for (const { name } of fieldsOf(schema)) expect(page).toContain(`<code>${name}</code>`);
    }
    expect(page).not.toMatch(/undefined|\[object|anything|<code><|list of list of list/);
  });

  it('runs no script and loads nothing, and its content security policy forbids both', async () => {
    const response = await app.fetch('/docs');
    const page = await response.text();
    expect(page).not.toMatch(/<(script|link|img|iframe)|@import|url\(|https?:\/\//i);
    const policy = response.headers.get('content-security-policy') ?? '';
    const nonce = /<style nonce="([^"]+)"/.exec(page)?.[1];
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain(`style-src 'nonce-${nonce}'`);
    expect(policy).not.toContain('unsafe');
  });

  it('resolves each internal link to exactly one element', async () => {
    const page = await (await app.fetch('/docs')).text();
    const targets = [...page.matchAll(/href="#([^"]+)"/g)].map(([, target]) => target);
    expect(targets.length).toBeGreaterThan(20);
    for (const target of new Set(targets)) expect(page.split(`id="${target}"`)).toHaveLength(2);
  });
});
