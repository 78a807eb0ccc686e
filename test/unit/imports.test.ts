/** @module The allowed imports between folders, and of packages. docs/design.md gives the reasons. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { findCycle, folderGraph, forbiddenImports, importGraph, importsOf } from '../support/import-graph.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const graph = importGraph(ROOT, [
  'chat',
  'decoding',
  'engine',
  'tokenizer',
  'model-assets',
  'worker',
  'packages',
]);

const under = (folder: string, ...names: readonly string[]) => names.map((name) => `${folder}/${name}`);

/** For each folder, the folders and packages it may import. It may also import itself. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  // Decoding is pure: it depends on the interface of models only.
  'decoding/interface': [],
  'decoding/math': ['decoding/interface'],
  'decoding/processors': ['decoding/math', 'decoding/constraints/automaton'],
  'decoding/constraints/automaton': [],
  'decoding/constraints/regular': ['@eslint-community/regexpp', 'decoding/constraints/automaton'],
  'decoding/constraints/grammar': under('decoding/constraints', 'automaton', 'regular'),
  'decoding/constraints/json-schema': under('decoding/constraints', 'automaton', 'regular'),
  'decoding/constraints': under('decoding/constraints', 'automaton', 'regular', 'grammar', 'json-schema'),
  'decoding/catalogue': [],
  'decoding/options': [
    'zod',
    ...under('decoding', 'catalogue', 'constraints/automaton', 'interface', 'math', 'processors'),
  ],
  'decoding/strategies': under(
    'decoding',
    ...['catalogue', 'constraints/automaton', 'interface', 'math', 'processors', 'options'],
  ),
  'decoding/scoring': under('decoding', 'interface', 'math', 'options', 'strategies'),
  decoding: under(
    'decoding',
    ...[
      'catalogue',
      'constraints',
      'constraints/automaton',
      'interface',
      'math',
      'options',
      'processors',
      'scoring',
      'strategies',
    ],
  ),

  // The engine is independent of HTTP, Cloudflare and text.
  'engine/runtime': ['onnxruntime-web'],
  'engine/kernels': ['model-assets/format', 'node:'],
  'engine/cache': ['decoding/interface', 'model-assets/format', ...under('engine', 'kernels', 'runtime')],
  'engine/model': [
    'decoding/interface',
    'model-assets/format',
    ...under('engine', 'cache', 'kernels', 'runtime'),
  ],
  'engine/batching': ['decoding/interface', ...under('engine', 'cache', 'model', 'runtime')],
  engine: [
    'decoding/interface',
    'model-assets/format',
    ...under('engine', 'batching', 'cache', 'kernels', 'model', 'runtime'),
  ],
  'engine/node': ['engine', 'node:', ...under('engine', 'kernels', 'model', 'runtime')],

  'tokenizer/format': [],
  'tokenizer/unicode': ['tokenizer/format'],
  'tokenizer/models': ['tokenizer/format'],
  'tokenizer/normalizers': under('tokenizer', 'format', 'unicode'),
  'tokenizer/pre-tokenizers': under('tokenizer', 'format', 'unicode'),
  'tokenizer/text': ['tokenizer/format'],
  tokenizer: under('tokenizer', 'format', 'models', 'normalizers', 'pre-tokenizers', 'text'),

  // A chat as a text.
  chat: ['@huggingface/jinja'],

  // Tools that make models. Their file format imports nothing of the project.
  'model-assets/format': ['zod'],
  'model-assets/checkpoint/interface': ['node:'],
  'model-assets/checkpoint/adapter': ['model-assets/checkpoint/interface', 'zod'],
  'model-assets/checkpoint/gguf': ['model-assets/checkpoint/interface', 'node:'],
  'model-assets/checkpoint/tensorflow': ['model-assets/checkpoint/interface', 'node:', 'zod'],
  'model-assets/checkpoint/torch': ['model-assets/checkpoint/interface', 'node:'],
  'model-assets/checkpoint': [
    'model-assets/format',
    'node:',
    'zod',
    ...under('model-assets/checkpoint', 'adapter', 'gguf', 'interface', 'tensorflow', 'torch'),
  ],
  'model-assets/graphs': ['model-assets/format', 'protobufjs'],
  'model-assets/quantize': ['model-assets/format'],
  'model-assets/calibrate': [
    'decoding',
    'node:',
    'tokenizer',
    ...under('engine', 'kernels', 'node', 'runtime'),
    ...under('model-assets', 'checkpoint', 'checkpoint/interface', 'format', 'graphs', 'quantize'),
  ],
  'model-assets/tokenizer/sentencepiece': ['model-assets/checkpoint/interface'],
  'model-assets/tokenizer/files': [
    'zod',
    'tokenizer/format',
    ...under('model-assets', 'checkpoint/interface', 'tokenizer/sentencepiece'),
  ],
  'model-assets/tokenizer/regex': ['model-assets/tokenizer/files', 'node:'],
  'model-assets/tokenizer/pipeline': [
    'zod',
    ...under('tokenizer', 'format', 'normalizers', 'unicode'),
    ...under('model-assets/tokenizer', 'files', 'regex'),
  ],
  'model-assets/tokenizer/models': [
    'zod',
    ...under('tokenizer', 'format', 'models', 'unicode'),
    ...under('model-assets/tokenizer', 'files', 'pipeline'),
  ],
  'model-assets/tokenizer': [
    'decoding/constraints/automaton',
    'tokenizer/format',
    'tokenizer/normalizers',
    'model-assets/checkpoint/interface',
    ...under('model-assets/tokenizer', 'files', 'models', 'pipeline'),
  ],
  'model-assets/convert': [
    'chat',
    'decoding/options',
    'engine/model',
    'node:',
    ...under(
      'model-assets',
      'tokenizer',
      'calibrate',
      'checkpoint',
      'checkpoint/interface',
      'format',
      'graphs',
      'quantize',
    ),
  ],
  'model-assets/hub': [
    '@huggingface/hub',
    'node:',
    'zod',
    ...under('model-assets', 'checkpoint', 'checkpoint/interface', 'format', 'tokenizer'),
  ],
  'model-assets/catalogue': [
    'decoding/catalogue',
    'node:',
    'tokenizer',
    'zod',
    ...under('model-assets', 'checkpoint/interface', 'format'),
  ],
  'model-assets/synthesize': [
    'node:',
    ...under('model-assets', 'checkpoint', 'checkpoint/interface', 'format'),
  ],
  'model-assets': [
    'engine',
    'node:',
    'tokenizer',
    ...under('decoding', 'interface', 'math'),
    ...under('engine', 'cache', 'node'),
    ...under('model-assets', 'catalogue', 'checkpoint', 'checkpoint/interface', 'convert', 'format'),
  ],
  'model-assets/adapters': [
    'node:',
    ...under(
      'model-assets',
      ...['checkpoint', 'checkpoint/adapter', 'checkpoint/interface', 'format', 'graphs'],
    ),
  ],
  'model-assets/cli': [
    'cli-progress',
    'commander',
    'model-assets',
    'node:',
    ...under('engine', 'cache', 'model', 'runtime'),
    ...under(
      'model-assets',
      'adapters',
      'catalogue',
      'checkpoint',
      'checkpoint/interface',
      'convert',
      'format',
    ),
    ...under('model-assets', 'hub', 'synthesize'),
  ],

  // The Worker: contracts → serving → engine, decoding, tokenizer.
  'worker/isolate': [
    'chat',
    'engine',
    'model-assets/format',
    'tokenizer',
    ...under('decoding', 'catalogue', 'constraints', 'constraints/automaton', 'options'),
    ...under('engine', 'batching', 'model', 'runtime'),
  ],
  'worker/http': [
    'engine/runtime',
    'hono',
    'worker/isolate',
    'zod',
    ...under('decoding', 'constraints/automaton', 'interface', 'options'),
  ],
  'worker/operate': ['hono', 'worker/http'],
  'worker/serving': [
    'chat',
    'decoding',
    'engine',
    'hono',
    'tokenizer',
    ...under('decoding', 'catalogue', 'constraints', 'constraints/automaton', 'interface', 'options'),
    ...under('engine', 'batching', 'cache', 'model', 'runtime'),
    ...under('worker', 'http', 'isolate'),
  ],
  'worker/serving/scoring': [
    'engine',
    'tokenizer',
    ...under('decoding', 'options', 'scoring'),
    ...under('engine', 'batching'),
    ...under('worker', 'http', 'isolate', 'serving'),
  ],
  'worker/openapi': ['hono', 'worker/http', 'zod'],
  'worker/contracts': [
    'zod',
    ...under('decoding', 'interface', 'options'),
    ...under('worker', 'http', 'serving'),
  ],
  'worker/contracts/tgi': contract(),
  'worker/contracts/openai': contract('engine/model', 'model-assets/format', 'worker/contracts/tgi'),
  'worker/contracts/score': contract(
    'engine/batching',
    'engine/cache',
    'worker/contracts/openai',
    'worker/serving/scoring',
  ),
  'worker/contracts/suggest': contract('worker/contracts/openai'),
  'worker/contracts/workers-ai': contract(),
  'worker/contracts/operation': contract(
    'engine',
    'worker/contracts/openai',
    'worker/openapi',
    'worker/operate',
  ),
  'worker/rpc': [
    'cloudflare:workers',
    'zod',
    'worker/http',
    ...under('worker/contracts', 'openai', 'operation', 'score', 'suggest', 'tgi'),
  ],
  'worker/sessions': ['cloudflare:workers', 'hono', 'worker/http'],
  'worker/page': ['hono', 'node:', 'esbuild', 'worker/contracts/openai', 'worker/http', 'worker/page/built'],
  'worker/page/client': [],
  worker: [
    'hono',
    // onnxruntime's WebAssembly.
    'dist',
    'engine/kernels',
    ...under('worker', 'http', 'isolate', 'operate', 'page', 'rpc', 'sessions'),
    ...under('worker/contracts', 'openai', 'operation', 'score', 'suggest', 'tgi', 'workers-ai'),
  ],
  packages: ['commander', 'node:'],
  // The entries of the package and its build.
  'packages/edgebeam': [
    'decoding',
    'engine',
    'esbuild',
    'node:',
    'tokenizer',
    ...under('engine', 'cache', 'kernels', 'model', 'node', 'runtime'),
    ...under('model-assets', 'cli'),
    ...under('worker', 'dev', 'http', 'isolate', 'rpc', 'sessions'),
    'model-assets',
    'worker',
  ],
  'packages/create-edgebeam/template/src': ['edgebeam', 'hono'],
  'packages/create-edgebeam/template/test': ['vitest', 'wrangler'],
  'worker/dev': ['commander', 'node:', 'model-assets', ...under('model-assets', 'cli', 'format')],
};

/** The arrows of every contract's folder, and additional ones. */
function contract(...additional: readonly string[]): string[] {
  return [
    'hono',
    'tokenizer',
    'worker/contracts',
    'zod',
    ...under('decoding', 'constraints', 'interface', 'options'),
    ...under('worker', 'http', 'isolate', 'serving', 'sessions'),
    ...additional,
  ];
}

it('imports follow the arrows between rooms', () => {
  expect(graph.size).toBeGreaterThan(150);
  expect(forbiddenImports(graph, ARROWS)).toEqual([]);
});

it('neither files nor folders form an import cycle', () => {
  expect(findCycle(graph)).toBeUndefined();
  expect(findCycle(folderGraph(graph))).toBeUndefined();
});

it.each([
  ['decoding/decode.ts', '../engine/engine.ts', 'engine/engine.ts'],
  ['engine/cache/kv-pool.ts', '../model/gpt2.ts', 'engine/model/gpt2.ts'],
  ['engine/engine.ts', '../tokenizer/tokenizer.ts', 'tokenizer/tokenizer.ts'],
  ['engine/engine.ts', 'hono', 'hono'],
  ['model-assets/format/manifest.ts', '../../engine/engine.ts', 'engine/engine.ts'],
  ['worker/serving/generate.ts', '../contracts/tgi/tokens.ts', 'worker/contracts/tgi/tokens.ts'],
])('rejects, in %s, an import of %s', (file, specifier, target) => {
  const invalid = new Map([...graph, [file, importsOf(file, `import { x } from '${specifier}';`)]]);
  expect(forbiddenImports(invalid, ARROWS)).toEqual([`${file} → ${target}`]);
});

it('finds a cycle of type imports', () => {
  const invalid = new Map([
    ...graph,
    [
      'engine/runtime/session.ts',
      importsOf('engine/runtime/session.ts', "import type { Ort } from './ort.ts';"),
    ],
  ]);
  expect(findCycle(invalid)).toContain('engine/runtime/ort.ts');
});
