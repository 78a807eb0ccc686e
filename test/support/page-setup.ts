/** @module Runs once before the tests of the page: a dev server of their own, and a look for a Chromium. */
import type { TestProject } from 'vitest/node';
import { findChromium } from './chromium.ts';
import startServer from './clients-server.ts';

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // Unpacks the one of npm, where it is needed, before any test waits for it.
  const found = await findChromium();
  if ('missing' in found)
    console.warn(`\nThe tests of the page in a browser are skipped: ${found.missing}\n`);
  return await startServer(project);
}
