/** @module What `npm pack` gives. `npm run test:packages` installs it. */
import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findPackageFaults, packPackages, type Tarballs } from '../../packages/pack.ts';
import { temporaryFolder } from '../support/checkpoints.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '..', '..');
const MIB = 2 ** 20;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let tarballs: Tarballs;
/** A project that has installed the package, with this repository's dependencies. */
let project: string;

beforeAll(async () => {
  folder = await temporaryFolder();
  tarballs = await packPackages(folder.path);
  project = join(folder.path, 'project');
  const installed = join(project, 'node_modules', 'edgebeam');
  await mkdir(installed, { recursive: true });
  await run('tar', ['xzf', tarballs.edgebeam, '-C', installed, '--strip-components', '1']);
  const { dependencies, peerDependencies } = JSON.parse(
    await readFile(join(installed, 'package.json'), 'utf8'),
  );
  for (const name of Object.keys({ ...dependencies, ...peerDependencies })) {
    const target = join(project, 'node_modules', name);
    await mkdir(join(target, '..'), { recursive: true });
    await symlink(join(ROOT, 'node_modules', name), target, 'junction');
  }
}, 120_000);

afterAll(() => folder[Symbol.asyncDispose]());

const node = (...args: readonly string[]) => run(process.execPath, [...args], { cwd: project });
const edgebeam = (...args: readonly string[]) =>
  node(join('node_modules', 'edgebeam', 'dist', 'cli.js'), ...args);

it('has no fault that publint or Are The Types Wrong finds', async () => {
  expect(await findPackageFaults(tarballs.edgebeam)).toEqual([]);
  expect((await stat(tarballs.edgebeam)).size).toBeLessThan(12 * MIB);
});

it('has no file of the repository’s tools', async () => {
  const files = await readdir(join(project, 'node_modules', 'edgebeam'));
  expect(files.sort()).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'dist', 'package.json']);
});

it('decodes with the engine and its model in Node', async () => {
  const script = `
    import { decodeAll, DecodingOptionsError } from 'edgebeam/decoding';
    import { loadEngine, Tokenizer } from 'edgebeam/engine';
    const engine = await loadEngine('node_modules/edgebeam/dist/model');
    const tokenizer = Tokenizer.read(engine.tokenizerFile);
    const prompt = tokenizer.encode('Once upon a time');
    const { sequences } = await decodeAll(engine, prompt, { max_new_tokens: 8, num_beams: 4 });
    const refused = await decodeAll(engine, prompt, { top_k: -3 }).catch((error) => error);
    console.log(tokenizer.decode(sequences[0].tokens), refused instanceof DecodingOptionsError);`;
  const { stdout } = await node('--input-type=module', '--eval', script);
  expect(stdout).toBe(', there was a little girl named Lily true\n');
});

it('imports nothing but its dependencies in decoding', async () => {
  const { stdout } = await node(
    '--input-type=module',
    '--eval',
    `import { registerHooks } from 'node:module';
     const found = new Set();
     registerHooks({ resolve(name, context, next) { found.add(name); return next(name, context); } });
     await import('edgebeam/decoding');
     console.log([...found].filter((name) => !name.startsWith('.') && !/regexpp|^zod/.test(name)).join());`,
  );
  expect(stdout.trim()).toBe('edgebeam/decoding');
});

it('has the commands', async () => {
  const { stdout } = await edgebeam('--help');
  const commands = [...stdout.matchAll(/^ {2}(\w+) {2,}\w/gm)].map(([, name = '']) => name);
  expect(commands).toEqual(
    expect.arrayContaining(['start', 'convert', 'evaluate', 'adapter', 'catalogue', 'deploy']),
  );
  for (const command of commands) {
    expect((await edgebeam(command, '--help')).stdout).toMatch(
      new RegExp(`^Usage: (npx )?edgebeam ${command} `),
    );
  }
  expect(await edgebeam('help', 'start')).toEqual(await edgebeam('start', '--help'));
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  expect((await edgebeam('--version')).stdout).toBe(`${version}\n`);
  await expect(edgebeam('nonsense')).rejects.toMatchObject({ code: 2 });
});
