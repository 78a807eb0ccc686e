/** @module Global setup of the page tests: starts a dev server for them, and finds a Chromium. */
import type { TestProject } from 'vitest/node';
import { findChromium } from './chromium.ts';
import startServer from './clients-server.ts';

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // Unpacks the npm package, if needed, before any test waits for it.
  const found = await findChromium();
  if ('missing' in found) console.warn(`\nThe page's browser tests are skipped: ${found.missing}\n`);
  return await startServer(project);
}
