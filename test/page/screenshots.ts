/**
 * @module Takes screenshots of the page for review, in several widths, light and dark. Starts its own server.
 *
 *     node test/page/screenshots.ts [FOLDER]
 *     node test/page/screenshots.ts --docs    the documentation's, into docs/images
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { startDevServer } from '../../worker/dev/child-server.ts';
import type { ConstraintKind } from '../../worker/page/client/constraint.ts';
import { EXAMPLES } from '../../worker/page/client/examples.ts';
import { INITIAL_SETTINGS, type Settings, toFragment } from '../../worker/page/client/settings.ts';
import { findChromium, launchChromium } from '../support/chromium.ts';

const HERE = import.meta.dirname;
const [argument] = process.argv.slice(2);
const forDocs = argument === '--docs';
const folder = forDocs ? join(HERE, '..', '..', 'docs', 'images') : (argument ?? join(HERE, 'dist'));
const SEARCH = 'prompt=Once+upon+a+time&num_beams=8&n=2&max_tokens=60&no_repeat_ngram_size=3&run=1';
const GROUPS =
  'prompt=One+day%2C+a+cat+and+a+dog&search=diverse&num_beams=6&num_beam_groups=3&diversity_penalty=1&n=3&max_tokens=32&run=1';

/** The fragment of the example that has JSON by a schema. */
const JSON_EXAMPLE = `${toFragment(exampleOf('json'))}&run=1`;

interface Shot {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly fragment: string;
  /** Actions before the screenshot. */
  readonly prepare?: (page: Page) => Promise<unknown>;
  /** The window, or the element of a selector. Default: the whole page. */
  readonly part?: 'window' | `#${string}`;
  /** Default: both. */
  readonly scheme?: Scheme;
}

type Scheme = 'light' | 'dark';

const hoverOverToken = (page: Page) => page.locator('.tokens [role=option]').nth(6).hover();

const SHOTS: readonly Shot[] = [
  ...[360, 1280, 2560].map((width) => ({
    ...{ name: `page-${width}`, width, height: width === 360 ? 780 : Math.round(width * 0.625) },
    ...{ fragment: SEARCH, prepare: hoverOverToken },
  })),
  { name: 'start', width: 1280, height: 800, fragment: '' },
  { name: 'groups', width: 1280, height: 800, fragment: GROUPS },
  {
    ...{ name: 'early', width: 1280, height: 800, fragment: SEARCH },
    prepare: (page) => page.locator('#time-slider').fill('18'),
  },
  {
    ...{ name: 'fit', width: 1280, height: 800, fragment: SEARCH },
    prepare: (page) => page.locator('#zoom-fit').click(),
  },
  {
    ...{ name: 'without-dropped', width: 1280, height: 800, fragment: SEARCH },
    prepare: (page) => page.locator('#show-dropped').uncheck(),
  },
  {
    ...{ name: 'samples', width: 1280, height: 800 },
    fragment: 'search=sampling&n=5&temperature=0.8&seed=7&max_tokens=32&run=1',
  },
  { name: 'json', width: 1280, height: 800, fragment: JSON_EXAMPLE },
  { name: 'json-360', width: 360, height: 780, fragment: JSON_EXAMPLE, part: 'window' },
  {
    ...{ name: 'options-360', width: 360, height: 780, fragment: toFragment(exampleOf('regex')) },
    prepare: (page) => page.locator('#options-summary').click(),
  },
  { name: 'error', width: 1280, height: 800, fragment: 'num_beams=4&n=9&run=1' },
];

const DOCS: readonly Shot[] = [
  {
    ...{ name: 'page', width: 1280, height: 860, scheme: 'light', part: 'window' },
    fragment: 'num_beams=6&max_tokens=48&no_repeat_ngram_size=3&run=1',
    prepare: hoverOverToken,
  },
  {
    ...{ name: 'tree', width: 2400, height: 1200, scheme: 'dark', part: '#tree-panel', fragment: SEARCH },
    prepare: (page) => page.locator('#zoom-fit').click(),
  },
  { name: 'groups', width: 1280, height: 860, scheme: 'light', part: '#tree-panel', fragment: GROUPS },
  {
    ...{ name: 'json', width: 1280, height: 700, scheme: 'light', part: 'window', fragment: JSON_EXAMPLE },
    prepare: (page) => page.locator('#tree text.run.best').hover({ position: { x: 12, y: 6 } }),
  },
];

function exampleOf(kind: ConstraintKind): Settings {
  return EXAMPLES.find(({ settings }) => settings.constraint?.kind === kind)?.settings ?? INITIAL_SETTINGS;
}

async function take(browser: Browser, url: string, shot: Shot, colorScheme: Scheme): Promise<void> {
  const { name, width, height, fragment, prepare, part } = shot;
  const page = await browser.newPage({ viewport: { width, height }, colorScheme, reducedMotion: 'reduce' });
  await page.goto(`${url}/#${fragment}`);
  if (fragment.includes('run=1')) {
    await page.locator('#result[data-state=done], #result[data-state=failed]').waitFor({ state: 'attached' });
  }
  await prepare?.(page);
  await page.waitForLoadState('networkidle');
  const path = join(folder, forDocs ? `${name}.png` : `${name}-${colorScheme}.png`);
  if (part?.startsWith('#')) await page.locator(part).screenshot({ path });
  else await page.screenshot({ path, fullPage: part === undefined });
  await page.close();
}

await mkdir(folder, { recursive: true });
await using server = await startDevServer();
const browser = await launchChromium(await findChromium());
try {
  for (const shot of forDocs ? DOCS : SHOTS) {
    const schemes = shot.scheme ? [shot.scheme] : (['light', 'dark'] as const);
    for (const scheme of schemes) await take(browser, server.url, shot, scheme);
  }
} finally {
  await browser.close();
}
console.log(`Screenshots are in ${folder}`);
