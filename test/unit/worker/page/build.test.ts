/** @module The page's files: what the repository has is what their sources are bundled to, and it is little. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { BUILT, buildPage } from '../../../../worker/page/build.ts';

const PAGE = join(BUILT, '..');
/** What the page takes of the isolate's heap, and what a visitor loads. */
const MOST_BYTES = 60_000;
const MOST_COMPRESSED_BYTES = 25_000;

describe('the built page', () => {
  it('is what its sources are bundled to', async () => {
    const built = await buildPage();
    expect(Object.keys(built)).toHaveLength(3);
    for (const [name, text] of Object.entries(built)) {
      expect(await readFile(join(BUILT, name), 'utf8'), 'run `npm run build`').toBe(text);
    }
  });

  it('is small', async () => {
    const texts = [...Object.values(await buildPage()), await readFile(join(PAGE, 'page.html'), 'utf8')];
    const sum = (size: (text: string) => number) => texts.reduce((total, text) => total + size(text), 0);
    expect(sum((text) => Buffer.byteLength(text))).toBeLessThan(MOST_BYTES);
    expect(sum((text) => gzipSync(text).length)).toBeLessThan(MOST_COMPRESSED_BYTES);
    expect(sum((text) => brotliCompressSync(text).length)).toBeLessThan(MOST_COMPRESSED_BYTES);
  });

  it('loads nothing from elsewhere, and has no script and no style in its page', async () => {
    const html = await readFile(join(PAGE, 'page.html'), 'utf8');
    const all = [...Object.values(await buildPage()), html].join('\n');
    const addresses = new Set(all.match(/https?:\/\/[^\s"'`<>)]+/g));
    expect([...addresses]).toEqual(['http://www.w3.org/2000/svg']);
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
