/** @module Peers in Chromium, driven by Playwright: transformers.js and wllama. */
import { existsSync, readdirSync } from 'node:fs';
import { readProc } from '../../resident.ts';
import type { PeerModels } from '../models.ts';
import type { RunningPeer } from '../peer.ts';
import { type PageName, serve } from './site.ts';

/** Path of Chromium: `CHROMIUM`, else Debian's. */
export const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

/**
 * No sandbox, because root in a container cannot have one; no requests to Google's hosts; no throttling of
 * background pages.
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

/** Starts a peer in its own browser, with an empty profile. {@link buildPages} must have run before. */
export async function startChromiumPeer(pageName: PageName, { served }: PeerModels): Promise<RunningPeer> {
  const { chromium } = await import('playwright-core');
  const site = await serve(served);
  const server = await chromium.launchServer({ executablePath: CHROMIUM, headless: true, args: FLAGS });
  try {
    const browser = await chromium.connect(server.wsEndpoint());
    const page = await browser.newPage();
    // The user's browser is already open, so the startup time begins with the page.
    const begin = performance.now();
    await page.goto(`${site.url}${pageName}.html`);
    await page.waitForFunction(() => globalThis.peer !== undefined);
    return {
      startMilliseconds: performance.now() - begin,
      pids: () => rendererPids(server.process().pid),
      load: () => page.evaluate(() => globalThis.peer?.load()),
      perform: (task) =>
        page.evaluate(
          (task) => globalThis.peer?.side.perform(task) ?? { refused: 'the page was closed' },
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

/** Chromium's renderer processes: one runs the page with its workers, the others are empty. */
function rendererPids(root: number | undefined): number[] {
  if (root === undefined || !existsSync('/proc')) return [];
  const processes = readdirSync('/proc').map(Number).filter(Number.isInteger);
  const parents = new Map(
    processes.map((pid) => [pid, Number(/^PPid:\s*(\d+)/m.exec(readProc(pid, 'status'))?.[1])]),
  );
  const isDescendant = (pid: number | undefined): boolean =>
    pid !== undefined && (pid === root || isDescendant(parents.get(pid)));
  return processes.filter((pid) => isDescendant(pid) && readProc(pid, 'cmdline').includes('--type=renderer'));
}
