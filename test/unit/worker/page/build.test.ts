/** @module The page's built files: up to date with their sources, small, and without external resources. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { BUILT_FOLDER, buildPage } from '../../../../worker/page/build.ts';

const PAGE_FOLDER = join(BUILT_FOLDER, '..');
/** Limits on the page's share of the isolate's heap, and on the bytes that a visitor loads. */
const MAX_BYTES = 68_000;
const MAX_COMPRESSED_BYTES = 25_000;

describe('the built page', () => {
  it('is up to date with its sources', async () => {
    const built = await buildPage();
    expect(Object.keys(built)).toHaveLength(3);
    for (const [name, text] of Object.entries(built)) {
      expect(await readFile(join(BUILT_FOLDER, name), 'utf8'), 'run `npm run build`').toBe(text);
    }
  });

  it('is small', async () => {
    const texts = [
      ...Object.values(await buildPage()),
      await readFile(join(PAGE_FOLDER, 'page.html'), 'utf8'),
    ];
    const sum = (size: (text: string) => number) => texts.reduce((total, text) => total + size(text), 0);
    expect(sum((text) => Buffer.byteLength(text))).toBeLessThan(MAX_BYTES);
    expect(sum((text) => gzipSync(text).length)).toBeLessThan(MAX_COMPRESSED_BYTES);
    expect(sum((text) => brotliCompressSync(text).length)).toBeLessThan(MAX_COMPRESSED_BYTES);
  });

  it('has a byte for each character in V8, which takes two where one is not of Latin-1', async () => {
    const html = await readFile(join(PAGE_FOLDER, 'page.html'), 'utf8');
    for (const text of [...Object.values(await buildPage()), html]) expect(text).not.toMatch(/[^\0-\xff]/);
  });

  it('loads nothing from other origins, and has no inline script or style', async () => {
    const html = await readFile(join(PAGE_FOLDER, 'page.html'), 'utf8');
    const all = [...Object.values(await buildPage()), html].join('\n');
    const urls = new Set(all.match(/https?:\/\/[^\s"'`<>)]+/g));
    expect([...urls]).toEqual(['http://www.w3.org/2000/svg']);
    expect(html).not.toMatch(/ style=| on\w+=|<style|<script(?![^>]* src=)|javascript:/i);
    expect(html.match(/(?:src|href)="[^"]*"/g)).toEqual([
      'href="/icon.svg"',
      'href="/page.css"',
      'src="/page.js"',
      'href="/docs"',
      'href="/openapi.json"',
      'href="/health"',
    ]);
  });
});
