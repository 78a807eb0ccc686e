/** @module `npm run memory`: a model's share of an isolate's 128 MB, measured inside workerd. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { describePlan } from '../../engine/model/plan.ts';
import { modelWithAdapters } from '../adapter-files.ts';
import { ensureInt4Model, INT4_MODEL } from '../models.ts';
import { ISOLATE_BYTES, type IsolateMemory, measureIsolate, totalOf } from './isolate.ts';

const { model, adapters } = new Command('npm run memory --')
  .description('Measures the total memory of an isolate that serves a model in workerd.')
  .option('--model <dir>', 'a converted model (default: GPT-2 124M with random weights at 4 bits)')
  .option('--adapters', 'with two random LoRA adapters in the heap, of rank 8 of c_attn')
  .parse()
  .opts<{ model?: string; adapters?: true }>();

if (!model) await ensureInt4Model();
const folder = model ? join(process.cwd(), model) : INT4_MODEL;
const {
  plan,
  adapters: loaded,
  samples,
} = adapters ? await measureWithAdapters(folder) : await measureIsolate(folder);

console.log(`${describePlan(plan)}\n`);
if (adapters) console.log(`Adapters in memory: ${loaded.join(', ')}\n`);
const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
const rows = samples.map(({ after, wasm, javaScript, uncollected }) => [
  after,
  megabytes(wasm),
  megabytes(javaScript.used + javaScript.embedder),
  megabytes(javaScript.buffers),
  megabytes(wasm + totalOf(javaScript)),
  megabytes(wasm + totalOf(uncollected)),
]);
const header = ['MB after', 'WebAssembly', 'JavaScript', 'its buffers', 'sum', 'with garbage'];
for (const row of [header, header.map((_, i) => (i ? '--:' : '---')), ...rows])
  console.log(`| ${row.join(' | ')} |`);
console.log(`\nAn isolate has ${megabytes(ISOLATE_BYTES)} MB.`);

async function measureWithAdapters(model: string): Promise<IsolateMemory> {
  const adapter = { rank: 8, targets: ['attn.c_attn'] } as const;
  const work = await mkdtemp(join(tmpdir(), 'edgebeam-memory-'));
  try {
    return await measureIsolate(await modelWithAdapters(model, work, { one: adapter, two: adapter }));
  } finally {
    await rm(work, { recursive: true });
  }
}
