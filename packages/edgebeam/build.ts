/**
 * @module `npm run build:package`: builds `dist/`, which is what the package consists of beside its sources. `npm pack` and
 * `npm publish` run it first.
 *
 * JavaScript is bundled, as the sources import each other with `.ts`, which Node does not run below `node_modules`. The
 * libraries and the Worker are one build, so that they share classes; the command is another, and has the packages that
 * only it needs within. It is readable, so it has no source maps. onnxruntime is within too: its package has 143 MB, of which one file is used, and imports Node's
 * modules in a way that a Worker's bundler cannot resolve.
 */
import { execFile } from 'node:child_process';
import { copyFile, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild';
import { KERNEL_MODULES, wasmPath } from '../../engine/kernels/build.ts';
import { DEFAULT_CHECKPOINT, DEFAULT_MODEL, ensureDefaultModel } from '../../model-assets/ensure.ts';
import { packageLicences } from './licences.ts';
import { onnxruntimeWasm } from './onnxruntime-wasm.mjs';
import { packagedConfiguration } from './wrangler-toml.ts';

export const ROOT = join(import.meta.dirname, '..', '..');
export const DIST = join(ROOT, 'dist');

interface Manifest {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
}

/** Entries of the libraries and the Worker, by the names of their files in `dist/`. */
const LIBRARIES = {
  decoding: 'decoding/index.ts',
  caller: 'worker/rpc/caller.ts',
  engine: 'packages/edgebeam/engine.ts',
  'engine-workerd': 'packages/edgebeam/engine-workerd.ts',
  worker: 'packages/edgebeam/worker.ts',
  standalone: 'worker/index.ts',
};
const COMMAND = { cli: 'packages/edgebeam/cli.ts' };

/** Files of the repository in whose place the package has its own. */
const REPLACED: Readonly<Record<string, string>> = {
  'engine/node/wasm-paths.ts': 'wasm-paths.ts',
  'model-assets/cli/program.ts': 'program.ts',
  'model-assets/convert/version.ts': 'version.ts',
  'worker/dev/project.ts': 'project.ts',
};

const GLUE_TYPES = 'engine/runtime/ort-glue.d.ts';

/** The runtimes of the libraries: Node 20, and browsers of the last two years. */
const TARGET = ['node20', 'chrome123', 'firefox121', 'safari17.5'];

/** Builds everything. @param onStep called with what is being done */
export async function buildPackage(onStep: (step: string) => void = () => {}): Promise<void> {
  const manifest: Manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  await rm(DIST, { recursive: true, force: true });
  await mkdir(DIST);
  onStep('JavaScript');
  const bundles = await Promise.all([buildLibraries(manifest), buildCommand(manifest)]);
  onStep('WebAssembly and configuration');
  await Promise.all([
    ...KERNEL_MODULES.map((module) => copyFile(wasmPath(module), join(DIST, `${module}.wasm`))),
    writeFile(join(DIST, 'onnxruntime.wasm'), onnxruntimeWasm()),
    writeFile(
      join(DIST, 'wrangler.toml'),
      packagedConfiguration(await readFile(join(ROOT, 'wrangler.toml'), 'utf8')),
    ),
    writeFile(
      join(DIST, 'THIRD-PARTY-LICENCES.txt'),
      await packageLicences(ROOT, bundles.flatMap(packagesIn)),
    ),
  ]);
  onStep('types');
  for (const project of ['tsconfig.engine-types.json', 'tsconfig.worker-types.json'])
    await emitTypes(project);
  await finishTypes();
  onStep('model');
  await ensureDefaultModel();
  await cp(DEFAULT_MODEL, join(DIST, 'model'), { recursive: true });
  // Where it comes from, and under which licences. Not in its folder, all of which is uploaded.
  await copyFile(join(DEFAULT_CHECKPOINT, 'README.md'), join(DIST, 'MODEL.md'));
}

async function emitTypes(project: string): Promise<void> {
  const compiler = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  await promisify(execFile)(process.execPath, [compiler, '-p', join(import.meta.dirname, project)]);
}

/** What the compiler leaves of the sources: the extensions, and the types of onnxruntime's glue, which it does not copy. */
async function finishTypes(): Promise<void> {
  const types = join(DIST, 'types');
  const files = await readdir(types, { recursive: true });
  for (const file of files.filter((name) => name.endsWith('.d.ts'))) {
    const text = await readFile(join(types, file), 'utf8');
    // All files that name it are in its folder.
    const reference = text.includes("'onnxruntime-web/")
      ? `/// <reference path="./${basename(GLUE_TYPES)}" />\n`
      : '';
    const paths = text.replace(/((?:from|import\() ?['"]\.[^'"]*)\.ts(?=['"])/g, '$1.js');
    await writeFile(join(types, file), reference + paths);
  }
  await copyFile(join(ROOT, GLUE_TYPES), join(types, GLUE_TYPES));
}

async function buildLibraries({ dependencies, peerDependencies }: Manifest): Promise<Metafile> {
  const external = [...Object.keys({ ...dependencies, ...peerDependencies }), 'cloudflare:*'];
  return bundle({
    entryPoints: LIBRARIES,
    external,
    define: { 'Symbol.dispose': 'DISPOSE_SYMBOL' },
    inject: [join(import.meta.dirname, 'dispose-symbol.ts')],
  });
}

async function buildCommand({
  version,
  dependencies,
  peerDependencies,
  devDependencies,
}: Manifest): Promise<Metafile> {
  return bundle({
    entryPoints: COMMAND,
    external: Object.keys({ ...dependencies, ...peerDependencies }),
    chunkNames: 'cli-[name]-[hash]',
    minifySyntax: true,
    inject: [join(import.meta.dirname, 'node-20.ts')],
    banner: {
      // Packages in CommonJS require Node's modules.
      js: "import { createRequire as createRequireHere } from 'node:module';\nconst require = createRequireHere(import.meta.url);",
    },
    define: {
      VERSION: JSON.stringify(version),
      WRANGLER_VERSION: JSON.stringify(devDependencies.wrangler),
      NODE_VERSION: JSON.stringify(devDependencies.node),
    },
  });
}

async function bundle(own: Omit<BuildOptions, 'metafile'>): Promise<Metafile> {
  const options: BuildOptions & { metafile: true } = {
    absWorkingDir: ROOT,
    outdir: DIST,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: TARGET,
    // Deno wants the prefix of Node's modules, which the target's browsers do not know.
    supported: { 'node-colon-prefix-import': true },
    legalComments: 'none',
    logLevel: 'warning',
    metafile: true,
    // wrangler would need a rule for them in the user's configuration.
    loader: { '.txt': 'text', '.html': 'text' },
    plugins: [replaceFiles, keepWasm],
    ...own,
  };
  return (await build(options)).metafile;
}

const replaceFiles: Plugin = {
  name: 'replace-files',
  setup({ onResolve, resolve }) {
    onResolve({ filter: /^\.|^module$|^worker_threads$/ }, async ({ path, pluginData, ...args }) => {
      if (pluginData === replaceFiles) return undefined;
      // onnxruntime's glue imports them on a path that never runs here.
      if (!path.startsWith('.')) {
        return args.importer.includes('onnxruntime-web')
          ? { path: join(ROOT, 'engine/runtime/absent-module.ts') }
          : undefined;
      }
      const found = await resolve(path, { ...args, pluginData: replaceFiles });
      const own = REPLACED[relative(ROOT, found.path).replaceAll('\\', '/')];
      return own === undefined ? found : { path: join(import.meta.dirname, own) };
    });
  },
};

/** Imports of WebAssembly stay imports, which workerd's bundlers compile: all in the folder of the JavaScript. */
const keepWasm: Plugin = {
  name: 'keep-wasm',
  setup({ onResolve }) {
    onResolve({ filter: /\.wasm$/ }, ({ path }) => ({ path: `./${basename(path)}`, external: true }));
  },
};

/** The folders of the packages of which a bundle contains files. */
function packagesIn({ outputs }: Metafile): string[] {
  const files = Object.values(outputs).flatMap(({ inputs }) => Object.keys(inputs));
  return files.flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file) ?? []);
}

if (import.meta.main) {
  const from = performance.now();
  await buildPackage((step) => console.error(`building ${step} …`));
  console.error(
    `built ${relative(process.cwd(), DIST)}/ in ${((performance.now() - from) / 1000).toFixed(1)} s`,
  );
}
