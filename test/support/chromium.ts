/**
 * @module A Chromium for the tests of the page: the one that `CHROMIUM_PATH` names, else the system's, else the one that
 * `@sparticuz/chromium` carries for Linux.
 */
import { access, constants, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import sparticuz from '@sparticuz/chromium';
import { type Browser, chromium } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];
const APPLICATIONS = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

/** The sandbox of Chromium is not to be had as root, nor in most containers; it is our own page that is opened. */
const FLAGS = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'];

const FONTS = 'fonts.conf';

export type Found =
  | { readonly path: string; readonly environment?: Readonly<Record<string, string>> }
  | { readonly missing: string };

/** @returns why there is none, where there is none */
export async function findChromium(environment: NodeJS.ProcessEnv = process.env): Promise<Found> {
  const named = environment.CHROMIUM_PATH;
  if (named) {
    if (await isExecutable(named)) return { path: named };
    throw new Error(`CHROMIUM_PATH is ${named}, where nothing can be run`);
  }
  const folders = (environment.PATH ?? '').split(delimiter);
  const candidates = [
    ...folders.flatMap((folder) => NAMES.map((name) => join(folder, name))),
    ...APPLICATIONS,
  ];
  for (const path of candidates) if (await isExecutable(path)) return { path };
  if (process.platform === 'linux' && process.arch === 'x64') {
    return await ofPackage();
  }
  const where = `${process.platform}-${process.arch}`;
  return {
    missing: `no Chromium here, nor one of npm for ${where}: install one, or name it in CHROMIUM_PATH`,
  };
}

/** @throws Error where there is none */
export async function launchChromium(found: Found): Promise<Browser> {
  if ('missing' in found) throw new Error(found.missing);
  const { path, environment } = found;
  return await chromium.launch({
    executablePath: path,
    args: FLAGS,
    ...(environment && { env: { ...process.env, ...environment } }),
  });
}

/** With the libraries and fonts that a bare system has not. */
async function ofPackage(): Promise<Found> {
  const folder = await unpacked();
  const hasFonts = await isReadable('/etc/fonts/fonts.conf');
  return {
    path: join(folder, 'chromium'),
    environment: {
      LD_LIBRARY_PATH: join(folder, 'al2023', 'lib'),
      ...(!hasFonts && { FONTCONFIG_FILE: join(folder, FONTS) }),
    },
  };
}

/**
 * The folder with the package's Chromium, its fonts, and the libraries that a bare system has not. The package unpacks into
 * the folder for temporary files, where it takes whatever version and whatever half of a file is there: so it is given
 * one of its own, which gets its name when all is in it.
 */
async function unpacked(): Promise<string> {
  const entry = createRequire(import.meta.url).resolve('@sparticuz/chromium');
  const described = await readFile(join(dirname(entry), '..', 'package.json'), 'utf8');
  const { version } = JSON.parse(described) as { version: string };
  const folder = join(tmpdir(), `edgebeam-chromium-${version}`);
  if (await isExecutable(join(folder, 'chromium'))) return folder;
  const partial = await mkdtemp(`${folder}-`);
  const { TMPDIR, AWS_EXECUTION_ENV } = process.env;
  // On Lambda it unpacks the libraries as well.
  Object.assign(process.env, { TMPDIR: partial, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x' });
  try {
    await sparticuz.executablePath();
  } finally {
    restore({ TMPDIR, AWS_EXECUTION_ENV });
  }
  await writeFile(join(partial, FONTS), fontsOf(folder));
  await rename(partial, folder).catch(async (error: unknown) => {
    // Somebody else was faster.
    await rm(partial, { recursive: true });
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

/** The package's own says that they are where they would be on Lambda; without any font Chromium ends. */
function fontsOf(folder: string): string {
  const folders = [join(folder, 'fonts'), '/usr/share/fonts'].map((one) => `<dir>${one}</dir>`).join('');
  return `<fontconfig>${folders}<cachedir>${join(folder, 'fonts-cache')}</cachedir></fontconfig>`;
}

const isExecutable = (path: string) => can(path, constants.X_OK);
const isReadable = (path: string) => can(path, constants.R_OK);

async function can(path: string, mode: number): Promise<boolean> {
  return await access(path, mode).then(
    () => true,
    () => false,
  );
}
