/** @module How the page is served: its headers, its content security policy, and deployments with keys. */
import { expect, inject, it } from 'vitest';
import { startDevServer } from '../../worker/dev/child-server.ts';
import { describeInChromium, openPage } from '../support/search-page.ts';

const FILES = [
  ['/', 'text/html; charset=utf-8'],
  ['/page.js', 'text/javascript; charset=utf-8'],
  ['/page.css', 'text/css; charset=utf-8'],
  ['/icon.svg', 'image/svg+xml; charset=utf-8'],
] as const;

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

it.each(FILES)('%s is served as %s, and again only if it has changed', async (path, type) => {
  const url = inject('server') + path;
  const response = await fetch(url);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe(type);
  expect(response.headers.get('content-security-policy')).toBe(POLICY);
  const etag = response.headers.get('etag') ?? '';
  expect(etag).toMatch(/^"[0-9a-f]+"$/);
  const again = await fetch(url, { headers: { 'if-none-match': etag } });
  expect([again.status, await again.text()]).toEqual([304, '']);
  // The headers of a 304 replace those in the browser's cache.
  expect(again.headers.get('content-security-policy')).toBe(POLICY);
  const other = await fetch(url, { headers: { 'if-none-match': '"another"' } });
  expect(other.status).toBe(200);
});

describeInChromium('the policy', () => {
  it('blocks inline script and style, and violations fail a test', async () => {
    const view = await openPage('', { expectedErrors: /Content Security Policy/ });
    await view.page.evaluate(`(() => {
      const script = document.createElement('script');
      script.textContent = 'window.broken = true';
      document.body.append(script);
      document.body.setAttribute('style', 'color: red');
    })()`);
    expect(await view.page.evaluate('window.broken')).toBeUndefined();
    await expect.poll(() => view.errors.length).toBe(2);
  });
});

describeInChromium('a deployment with keys', () => {
  it('requires a key, which the page keeps in the tab and never shows', async () => {
    await using server = await startDevServer('--', '--var', 'API_KEYS:page-key');
    const view = await openPage('max_tokens=5', { server: server.url, expectedErrors: /status of 401/ });
    const { page } = view;
    const key = page.getByLabel('API key');
    await key.waitFor();
    await view.generate();
    await view.waitForEnd('failed');
    expect(await page.locator('#form-error').textContent()).not.toBe('');
    expect(await key.evaluate((element) => element === element.ownerDocument.activeElement)).toBe(true);
    await key.fill('page-key');
    await key.press('Enter');
    await view.waitForEnd();
    expect((await view.texts())[0]?.length).toBeGreaterThan(5);
    await expect.poll(() => page.locator('#model').textContent()).toBe('default · int8');
    expect(await page.locator('#snippet').textContent()).toContain('Bearer $API_KEY');
    const shown = await page.evaluate('document.body.innerText + location.href');
    expect(shown).not.toContain('page-key');

    await page.reload();
    await view.generate();
    await view.waitForEnd();
    const stored = await page.evaluate(
      '[localStorage.length, document.cookie, Object.values(sessionStorage)]',
    );
    expect(stored).toEqual([0, '', ['page-key']]);
  });
});
