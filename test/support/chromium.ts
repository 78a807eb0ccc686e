/**
 * @module Finds a Chromium for the tests of the page: `CHROMIUM_PATH`, else the system's, else that of the
 * package `@sparticuz/chromium` (Linux only).
 */
import { access, constants, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import sparticuz from '@sparticuz/chromium';
import { type Browser, chromium } from 'playwright-core';

const EXECUTABLE_NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];
const MACOS_PATHS = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

/** Chromium's sandbox does not work as root or in most containers; the tests open only our own page. */
const FLAGS = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'];

const FONT_CONFIG = 'fonts.conf';

export type FoundChromium =
  | { readonly path: string; readonly environment?: Readonly<Record<string, string>> }
  | { readonly missing: string };

/** @returns its path, or `missing`: why none was found */
export async function findChromium(environment: NodeJS.ProcessEnv = process.env): Promise<FoundChromium> {
  const configured = environment.CHROMIUM_PATH;
  if (configured) {
    if (await isExecutable(configured)) return { path: configured };
    throw new Error(`CHROMIUM_PATH is ${configured}, which is not an executable file`);
  }
  const folders = (environment.PATH ?? '').split(delimiter);
  const candidates = [
    ...folders.flatMap((folder) => EXECUTABLE_NAMES.map((name) => join(folder, name))),
    ...MACOS_PATHS,
  ];
  for (const path of candidates) if (await isExecutable(path)) return { path };
  if (process.platform === 'linux' && process.arch === 'x64') {
    return await packagedChromium();
  }
  const platform = `${process.platform}-${process.arch}`;
  return {
    missing: `no Chromium found, and no npm package of it for ${platform}: install one, or set CHROMIUM_PATH`,
  };
}

/** @throws Error if none was found */
export async function launchChromium(found: FoundChromium): Promise<Browser> {
  if ('missing' in found) throw new Error(found.missing);
  const { path, environment } = found;
  return await chromium.launch({
    executablePath: path,
    args: FLAGS,
    ...(environment && { env: { ...process.env, ...environment } }),
  });
}

/** The package's Chromium, with the libraries and fonts that a minimal system lacks. */
async function packagedChromium(): Promise<FoundChromium> {
  const folder = await unpackPackage();
  const hasFonts = await isReadable('/etc/fonts/fonts.conf');
  return {
    path: join(folder, 'chromium'),
    environment: {
      LD_LIBRARY_PATH: join(folder, 'al2023', 'lib'),
      ...(!hasFonts && { FONTCONFIG_FILE: join(folder, FONT_CONFIG) }),
    },
  };
}

/**
 * Unpacks the package and returns the folder with Chromium, its fonts and libraries. The package unpacks into
 * `TMPDIR` and reuses any files that exist there, even incomplete ones or those of another version. So it
 * gets a new folder as `TMPDIR`, which is renamed once it is complete.
 */
async function unpackPackage(): Promise<string> {
  const entry = createRequire(import.meta.url).resolve('@sparticuz/chromium');
  const packageJson = await readFile(join(dirname(entry), '..', 'package.json'), 'utf8');
  const { version } = JSON.parse(packageJson) as { version: string };
  const folder = join(tmpdir(), `edgebeam-chromium-${version}`);
  if (await isExecutable(join(folder, 'chromium'))) return folder;
  const partialFolder = await mkdtemp(`${folder}-`);
  const { TMPDIR, AWS_EXECUTION_ENV } = process.env;
  // The package unpacks the libraries only on Lambda.
  Object.assign(process.env, { TMPDIR: partialFolder, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x' });
  try {
    await sparticuz.executablePath();
  } finally {
    restore({ TMPDIR, AWS_EXECUTION_ENV });
  }
  await writeFile(join(partialFolder, FONT_CONFIG), fontConfig(folder));
  await rename(partialFolder, folder).catch(async (error: unknown) => {
    // Another process may have completed the folder first.
    await rm(partialFolder, { recursive: true });
    if (!(await isExecutable(join(folder, 'chromium')))) throw error;
  });
  return folder;
}

function restore(variables: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(variables)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}

/** Replaces the package's configuration, which has Lambda's paths. Chromium exits if it finds no font. */
function fontConfig(folder: string): string {
  const folders = [join(folder, 'fonts'), '/usr/share/fonts'];
  const elements = folders.map((path) => `<dir>${path}</dir>`).join('');
  return `<fontconfig>${elements}<cachedir>${join(folder, 'fonts-cache')}</cachedir></fontconfig>`;
}

const isExecutable = (path: string) => hasAccess(path, constants.X_OK);
const isReadable = (path: string) => hasAccess(path, constants.R_OK);

async function hasAccess(path: string, mode: number): Promise<boolean> {
  return await access(path, mode).then(
    () => true,
    () => false,
  );
}
