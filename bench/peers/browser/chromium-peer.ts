/** @module Peers in Chromium, driven by Playwright: transformers.js and wllama. */
import { existsSync, readdirSync } from 'node:fs';
import { readProc } from '../../resident.ts';
import type { PeerModels } from '../models.ts';
import type { RunningPeer } from '../peer.ts';
import { type PageName, serve } from './site.ts';

/** Chromium by the name that `CHROMIUM` gives, else where Debian puts it. */
export const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

/**
 * Without the sandbox, which a container's root cannot have; without what looks for Google's hosts; and with pages that
 * nobody looks at as fast as others.
 */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
];

export async function missingChromium(): Promise<string | null> {
  return existsSync(CHROMIUM)
    ? null
    : `no Chromium at ${CHROMIUM}: \`apt-get install chromium\`, or set CHROMIUM`;
}

/** Each in a browser of its own, with an empty profile. The pages must have been built. */
export async function startChromiumPeer(pageName: PageName, { served }: PeerModels): Promise<RunningPeer> {
  const { chromium } = await import('playwright-core');
  const site = await serve(served);
  const server = await chromium.launchServer({ executablePath: CHROMIUM, headless: true, args: FLAGS });
  try {
    const browser = await chromium.connect(server.wsEndpoint());
    const page = await browser.newPage();
    // The browser is open; what a user waits for begins with the page.
    const begin = performance.now();
    await page.goto(`${site.url}${pageName}.html`);
    await page.waitForFunction(() => globalThis.peer !== undefined);
    return {
      startMilliseconds: performance.now() - begin,
      pids: () => renderersBelow(server.process().pid),
      load: () => page.evaluate(() => globalThis.peer?.load()),
      perform: (task) =>
        page.evaluate(
          (task) => globalThis.peer?.side.perform(task) ?? { refused: 'the page has gone' },
          task,
        ),
      async close() {
        await server.close();
        await site.close();
      },
    };
  } catch (error) {
    await server.close();
    await site.close();
    throw error;
  }
}

/** One of them has the page with its workers, the others nothing. */
function renderersBelow(root: number | undefined): number[] {
  if (root === undefined || !existsSync('/proc')) return [];
  const processes = readdirSync('/proc').map(Number).filter(Number.isInteger);
  const parents = new Map(
    processes.map((pid) => [pid, Number(/^PPid:\s*(\d+)/m.exec(readProc(pid, 'status'))?.[1])]),
  );
  const isBelow = (pid: number | undefined): boolean =>
    pid !== undefined && (pid === root || isBelow(parents.get(pid)));
  return processes.filter((pid) => isBelow(pid) && readProc(pid, 'cmdline').includes('--type=renderer'));
}
