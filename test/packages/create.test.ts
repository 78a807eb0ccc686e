/** @module `npm create edgebeam`, from an empty folder to answers. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort } from '../../worker/dev/ports.ts';
import { temporaryFolder } from '../support/checkpoints.ts';
import {
  complete,
  EXPECTED,
  environmentOf,
  type Folder,
  run,
  type Shell,
  serve,
  sizeOf,
  tarballs,
} from './installation.ts';

const MIB = 2 ** 20;

let folder: Folder;
let shell: Shell;

beforeAll(async () => {
  folder = await temporaryFolder();
  const env = environmentOf(process.execPath);
  const { edgebeam, createEdgebeam } = await tarballs();
  const create = ['--yes', `--package=${createEdgebeam}`, '--', 'create-edgebeam'];
  const above = { folder: folder.path, env };
  expect(await run(above, 'npm', 'exec', ...create, 'My Worker')).toContain('npm run dev');
  await expect(run(above, 'npm', 'exec', ...create, 'My Worker')).rejects.toThrow('My Worker is not empty');
  shell = { folder: join(folder.path, 'My Worker'), env };
  // The version in the template is the one that will be published.
  const path = join(shell.folder, 'package.json');
  const manifest = JSON.parse(await readFile(path, 'utf8'));
  expect(manifest.name).toBe('my-worker');
  manifest.dependencies.edgebeam = `file:${edgebeam}`;
  await writeFile(path, JSON.stringify(manifest));
  const from = performance.now();
  await run(shell, 'npm', 'install');
  const size = (await sizeOf(join(shell.folder, 'node_modules'))) / MIB;
  console.log(`npm install of ${size.toFixed(0)} MiB in ${((performance.now() - from) / 1000).toFixed(1)} s`);
});

afterAll(() => folder[Symbol.asyncDispose]());

it('has types', async () => {
  await run(shell, 'npm', 'run', 'types');
});

it('passes its own test', async () => {
  expect(await run(shell, 'npm', 'test')).toMatch(/2 passed/);
});

it('serves', async () => {
  const port = await freePort();
  const args = ['run', 'dev', '--', '--port', String(port), '--inspector-port', '0'];
  await using _ = await serve(shell, 'Ready on', 'npm', ...args);
  expect(await complete(`http://localhost:${port}/llm`, {})).toBe(EXPECTED);
  const response = await fetch(`http://localhost:${port}/llm/openapi.json`);
  expect(await response.json()).toHaveProperty('servers', [{ url: '/llm' }]);
});

it('prepares a deployment', async () => {
  expect(await run(shell, 'npm', 'run', 'deploy', '--', '--dry-run')).toContain('--dry-run: exiting now.');
});

it('is called by another Worker over a binding', async () => {
  const source = `
    import { EdgebeamEntrypoint, edgebeam } from 'edgebeam/worker';
    import { Hono } from 'hono';
    const llm = edgebeam();
    export default new Hono<{ Bindings: Env }>().route('/llm', llm);
    export class Llm extends EdgebeamEntrypoint<Env> {
      protected override readonly app = llm;
    }`;
  const caller = `
    import { readEvents } from 'edgebeam/caller';
    import type { Llm } from '../src/index.ts';
    const request = { prompt: 'Once upon a time', max_tokens: 8, num_beams: 4 };
    export default {
      async fetch(_: Request, { LLM }: { LLM: Service<Llm> }): Promise<Response> {
        const whole = await LLM.generate(request);
        let streamed = '';
        for await (const { choices } of readEvents(await LLM.stream(request))) streamed += choices[0]?.text ?? '';
        return Response.json([whole.choices[0]?.text, streamed]);
      },
    };`;
  const configuration = `
    name = "caller"
    main = "index.ts"
    compatibility_date = "2026-10-20"
    [[services]]
    binding = "LLM"
    service = "my-worker"
    entrypoint = "Llm"`;
  await mkdir(join(shell.folder, 'caller'));
  await writeFile(join(shell.folder, 'src', 'index.ts'), source);
  await writeFile(join(shell.folder, 'caller', 'index.ts'), caller);
  await writeFile(join(shell.folder, 'caller', 'wrangler.toml'), configuration);
  const project = join(shell.folder, 'tsconfig.json');
  const { compilerOptions } = JSON.parse(await readFile(project, 'utf8'));
  compilerOptions.allowImportingTsExtensions = true;
  await writeFile(project, JSON.stringify({ compilerOptions, include: ['src', 'caller'] }));
  await run(shell, 'npm', 'run', 'types');
  const port = await freePort();
  const configurations = ['-c', 'caller/wrangler.toml', '-c', 'wrangler.toml'];
  const args = ['run', 'dev', '--', ...configurations, '--port', String(port), '--inspector-port', '0'];
  await using _ = await serve(shell, 'Ready on', 'npm', ...args);
  expect(await (await fetch(`http://localhost:${port}/`)).json()).toEqual([EXPECTED, EXPECTED]);
});

it('imports the engine and decoding without the app', async () => {
  const source = `
    import { decodeAll } from 'edgebeam/decoding';
    import { assetsSource, loadEngine, Tokenizer } from 'edgebeam/engine';
    export default {
      async fetch(_: Request, env: Env): Promise<Response> {
        const engine = await loadEngine(assetsSource(env.ASSETS));
        const tokenizer = Tokenizer.read(engine.tokenizerFile);
        const prompt = tokenizer.encode('Once upon a time');
        const { sequences } = await decodeAll(engine, prompt, { max_new_tokens: 8, num_beams: 4 });
        return new Response(tokenizer.decode(sequences[0]?.tokens ?? []));
      },
    };`;
  await writeFile(join(shell.folder, 'src', 'engine.ts'), source);
  await run(shell, 'npm', 'run', 'types');
  const port = await freePort();
  const args = ['run', 'dev', '--', 'src/engine.ts', '--port', String(port), '--inspector-port', '0'];
  await using _ = await serve(shell, 'Ready on', 'npm', ...args);
  expect(await (await fetch(`http://localhost:${port}/`)).text()).toBe(EXPECTED);
});
