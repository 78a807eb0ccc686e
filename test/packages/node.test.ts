/** @module The package in Node 20 and 24, from an empty folder: its libraries, its types and its commands. */
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../worker/dev/ports.ts';
import { temporaryFolder } from '../support/checkpoints.ts';
import { GOLDEN } from '../support/models.ts';
import {
  complete,
  EXPECTED,
  environmentOf,
  type Folder,
  installNode,
  run,
  type Shell,
  serve,
  sizeOf,
  tarballs,
} from './installation.ts';

const MIB = 2 ** 20;

const SCRIPT = `
import { decodeAll } from 'edgebeam/decoding';
import { loadEngine, Tokenizer } from 'edgebeam/engine';
const engine = await loadEngine('node_modules/edgebeam/dist/model');
const tokenizer = Tokenizer.read(engine.tokenizerFile);
const prompt = tokenizer.encode('Once upon a time');
const { sequences } = await decodeAll(engine, prompt, { max_new_tokens: 8, num_beams: 4 });
console.log(process.versions.node, tokenizer.decode(sequences[0]?.tokens ?? []));
`;

describe.each(['20', '24'])('Node %s', (version) => {
  let folders: Folder[];
  let shell: Shell;

  beforeAll(async () => {
    folders = [await temporaryFolder(), await temporaryFolder()];
    const [nodeFolder, project] = folders.map(({ path }) => path) as [string, string];
    const node = await installNode(nodeFolder, version);
    shell = { folder: project, env: environmentOf(node) };
    const { edgebeam } = await tarballs();
    const from = performance.now();
    await run(shell, 'npm', 'install', edgebeam);
    const seconds = (performance.now() - from) / 1000;
    const size = await sizeOf(join(project, 'node_modules'));
    console.log(`Node ${version}: npm install of ${(size / MIB).toFixed(1)} MiB in ${seconds.toFixed(1)} s`);
    expect(size).toBeLessThan(45 * MIB);
  });

  afterAll(async () => {
    for (const folder of folders) await folder[Symbol.asyncDispose]();
  });

  it('installs what it needs, and no tool', async () => {
    const names = (await readdir(join(shell.folder, 'node_modules'))).filter((name) => !name.startsWith('.'));
    expect(names).toEqual(['@eslint-community', '@huggingface', 'edgebeam', 'hono', 'zod']);
  });

  it('decodes with the engine', async () => {
    await writeFile(join(shell.folder, 'text.mjs'), SCRIPT);
    expect(await run(shell, 'node', 'text.mjs')).toMatch(new RegExp(`^${version}\\..*${EXPECTED}\n$`));
  });

  it('has types', async () => {
    await run(shell, 'npm', 'install', 'typescript@7.0.2', '@types/node@24.19.2');
    await writeFile(join(shell.folder, 'text.mts'), SCRIPT);
    for (const [module, resolution] of [
      ['nodenext', 'nodenext'],
      ['node16', 'node16'],
      ['esnext', 'bundler'],
    ] as const) {
      const flags = [
        '--module',
        module,
        '--moduleResolution',
        resolution,
        '--target',
        'es2022',
        '--types',
        'node',
      ];
      // The declarations of the package too: no --skipLibCheck.
      await run(shell, 'npx', 'tsc', '--noEmit', '--strict', ...flags, 'text.mts');
    }
  });

  it('converts a checkpoint, and compares precisions', async () => {
    const source = join(GOLDEN, 'odd-checkpoint');
    await writeFile(join(shell.folder, 'text.txt'), 'Once upon a time there was a text to predict.');
    for (const precision of ['int8', 'f32']) {
      const flags = ['--precision', precision, '--out', precision];
      expect(await run(shell, 'npx', 'edgebeam', 'convert', source, ...flags)).toContain('parameters');
    }
    const table = await run(
      shell,
      'npx',
      'edgebeam',
      'evaluate',
      'int8',
      '--reference',
      'f32',
      '--text',
      'text.txt',
    );
    expect(table).toContain('| perplexity');
  });

  it('serves text from an empty folder, which stays empty', async () => {
    await using empty = await temporaryFolder();
    const { edgebeam } = await tarballs();
    const port = await freePort();
    const inEmpty = { ...shell, folder: empty.path };
    const args = ['--yes', `--package=${edgebeam}`, '--', 'edgebeam', 'start', '--port', String(port)];
    const from = performance.now();
    {
      await using _ = await serve(inEmpty, 'edgebeam listens on', 'npm', 'exec', ...args);
      console.log(
        `Node ${version}: npx edgebeam start in ${((performance.now() - from) / 1000).toFixed(1)} s`,
      );
      expect(await complete(`http://localhost:${port}`, {})).toBe(EXPECTED);
    }
    expect(await readdir(empty.path)).toEqual([]);
    await expect(fetch(`http://localhost:${port}/health`)).rejects.toThrow();
  });

  it('prepares a deployment', async () => {
    const bundle = join(shell.folder, 'bundle');
    const output = await run(shell, 'npx', 'edgebeam', 'deploy', '--', '--dry-run', '--outdir', bundle);
    expect(output).toContain('--dry-run: exiting now.');
    expect(await readdir(bundle)).toContain('standalone.js');
  });
});
