/**
 * @module A Chromium for the tests of the page: the one that `CHROMIUM_PATH` names, else the system's, else the one that
 * `@sparticuz/chromium` carries for Linux.
 */
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import sparticuz from '@sparticuz/chromium';
import { type Browser, chromium } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];
const APPLICATIONS = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

/** The sandbox of Chromium is not to be had as root, nor in most containers; it is our own page that is opened. */
const FLAGS = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'];

export type Found =
  | { readonly path: string; readonly flags: readonly string[] }
  | { readonly missing: string };

/** @returns why there is none, where there is none */
export async function findChromium(environment: NodeJS.ProcessEnv = process.env): Promise<Found> {
  const named = environment.CHROMIUM_PATH;
  if (named) {
    if (await isExecutable(named)) return { path: named, flags: FLAGS };
    throw new Error(`CHROMIUM_PATH is ${named}, where nothing can be run`);
  }
  const folders = (environment.PATH ?? '').split(delimiter);
  const candidates = [
    ...folders.flatMap((folder) => NAMES.map((name) => join(folder, name))),
    ...APPLICATIONS,
  ];
  for (const path of candidates) if (await isExecutable(path)) return { path, flags: FLAGS };
  if (process.platform === 'linux' && process.arch === 'x64') {
    return { path: await sparticuz.executablePath(), flags: sparticuz.args };
  }
  const where = `${process.platform}-${process.arch}`;
  return {
    missing: `no Chromium here, nor one of npm for ${where}: install one, or name it in CHROMIUM_PATH`,
  };
}

/** @throws Error where there is none */
export async function launchChromium(found: Found): Promise<Browser> {
  if ('missing' in found) throw new Error(found.missing);
  return await chromium.launch({ executablePath: found.path, args: [...found.flags] });
}

async function isExecutable(path: string): Promise<boolean> {
  return await access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
