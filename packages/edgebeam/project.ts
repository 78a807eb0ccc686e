/**
 * @module What `edgebeam start` and `edgebeam deploy` use: the user's wrangler, the package's configuration and its model.
 * Takes the place of `worker/dev/project.ts`.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Invocation } from '../../worker/dev/project.ts';

/** Replaced when the package is built. */
declare const WRANGLER_VERSION: string;
declare const NODE_VERSION: string;

/** The folder of `dist/`. */
const DIST = dirname(fileURLToPath(import.meta.url));

/** wrangler runs on this version of Node and later ones. */
const WRANGLER_NEEDS_NODE = 22;

export const defaultModel = async (): Promise<string> => join(DIST, 'model');

/** wrangler's process, in the folder of the user, who needs no configuration there. */
export function wranglerInvocation(args: readonly string[]): Invocation {
  const secrets = args[0] === 'dev' && existsSync('.dev.vars') ? ['--env-file', '.dev.vars'] : [];
  const all = [...args, '--config', writeConfiguration(), ...secrets];
  return { ...runWith(all), cwd: process.cwd(), env: process.env };
}

/** Writes the configuration outside of the user's folder, for this process alone. @returns its path */
function writeConfiguration(): string {
  const folder = mkdtempSync(join(tmpdir(), 'edgebeam-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'wrangler.toml');
  const text = readFileSync(join(DIST, 'wrangler.toml'), 'utf8');
  writeFileSync(
    path,
    text.replaceAll('PACKAGE', () => slashed(DIST)),
  );
  return path;
}

/** TOML reads backslashes as escapes. */
const slashed = (path: string) => path.replaceAll('\\', '/');

function runWith(args: readonly string[]): Pick<Invocation, 'file' | 'args'> {
  const isNodeNewEnough = Number(process.versions.node.split('.')[0]) >= WRANGLER_NEEDS_NODE;
  const installed = isNodeNewEnough && installedWrangler();
  if (installed) return { file: process.execPath, args: [installed, ...args] };
  console.error(`edgebeam: running wrangler ${WRANGLER_VERSION} by npx, which installs it the first time …`);
  const packages = [`wrangler@${WRANGLER_VERSION}`, ...(isNodeNewEnough ? [] : [`node@${NODE_VERSION}`])];
  const npm = npmScript();
  return {
    file: process.execPath,
    args: [
      npm,
      'exec',
      '--yes',
      '--loglevel=error',
      ...packages.map((name) => `--package=${name}`),
      '--',
      'wrangler',
      ...args,
    ],
  };
}

/** The wrangler of the user's project, or one that is installed beside this package. */
function installedWrangler(): string | undefined {
  for (const from of [join(process.cwd(), 'package.json'), import.meta.url]) {
    try {
      const manifest = createRequire(from).resolve('wrangler/package.json');
      return join(dirname(manifest), 'bin', 'wrangler.js');
    } catch {
      // Not installed there.
    }
  }
  return undefined;
}

/** npm, which runs without a shell in this way: the one that runs this process, or the one beside Node. */
function npmScript(): string {
  const own = process.env.npm_execpath;
  const folder = dirname(process.execPath);
  const candidates = [
    ...(own?.endsWith('npm-cli.js') || own?.endsWith('npx-cli.js') ? [join(dirname(own), 'npm-cli.js')] : []),
    join(folder, 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    join(folder, '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js'),
  ];
  const found = candidates.find((path) => existsSync(path));
  if (found) return found;
  console.error('edgebeam: wrangler is not installed, and npm is not found: run npm install wrangler');
  process.exit(1);
}
