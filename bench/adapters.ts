/**
 * @module `node bench/adapters.ts`: what LoRA adapters cost a step, and how far a quantized base with an adapter is from
 * the merged model in f32.
 *
 * The steps are those of GPT-2 124M with random weights, in turn with each other. The distances are those of the embedded
 * model on its own texts, beside the distance of the base without the adapter.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import type { LanguageModel, TokenTree, TreeNode } from '../decoding/interface/token-tree.ts';
import { loadEngine } from '../engine/node/load-engine.ts';
import { addAdapter } from '../model-assets/adapters/pack.ts';
import { convert } from '../model-assets/convert/convert.ts';
import { DEFAULT_CHECKPOINT } from '../model-assets/ensure.ts';
import { evaluate } from '../model-assets/evaluate.ts';
import { TARGETS, type Target } from '../model-assets/format/adapter.ts';
import { modelWithAdapters, writeRandomAdapter } from './adapter-files.ts';
import { median, table } from './format.ts';
import { describe, describeMachine } from './machine.ts';
import { ensureInt4Model, ensureInt8Models, INT4_MODEL, INT8_MODEL } from './models.ts';

const EMBEDDED = { n_layer: 6, n_embd: 256, n_inner: 1024 };
const PAST = 128;
const ROWS = [1, 8] as const;
const TEXT = join(import.meta.dirname, '..', 'test', 'golden', 'eval-text', 'story.txt');

/** The measured adapters, by the prefix of their names: `all-0` … `all-7`. */
const KINDS = {
  c_attn: { rank: 8, targets: ['attn.c_attn'] },
  all: { rank: 16, targets: TARGETS },
} as const satisfies Record<string, { readonly rank: number; readonly targets: readonly Target[] }>;

const { precision, steps } = new Command('node bench/adapters.ts')
  .addOption(new Option('--precision <precision>', 'of the base').choices(['int4', 'int8']).default('int4'))
  .option('--steps <n>', 'measured steps of each kind', Number, 60)
  .parse()
  .opts<{ precision: 'int4' | 'int8'; steps: number }>();

console.log(`${describe(await describeMachine())}\n`);
const work = await mkdtemp(join(tmpdir(), 'edgebeam-adapters-'));
try {
  await measureSteps();
  await measureDistances();
} finally {
  await rm(work, { recursive: true });
}

async function measureSteps(): Promise<void> {
  await (precision === 'int4' ? ensureInt4Model() : ensureInt8Models());
  const adapters = Object.entries(KINDS).flatMap(([name, kind]) =>
    Array.from({ length: 8 }, (_, i) => [`${name}-${i}`, kind] as const),
  );
  const original = precision === 'int4' ? INT4_MODEL : INT8_MODEL;
  const model = await modelWithAdapters(original, work, Object.fromEntries(adapters));
  const engine = await loadEngine(model, { maxRows: 32, cache: 'int8' });
  const rows: string[][] = [];
  for (const count of ROWS) {
    const sides: Record<string, readonly LanguageModel[]> = {
      none: Array(count).fill(engine),
      'r = 8 of c_attn': Array(count).fill(engine.withAdapter('c_attn-0')),
      'r = 16 of all four': Array(count).fill(engine.withAdapter('all-0')),
      ...(count > 1 && {
        'r = 16 of all four, each row another': Array.from({ length: count }, (_, i) =>
          engine.withAdapter(`all-${i}`),
        ),
      }),
    };
    const times = await alternate(sides);
    const base = median(times.none ?? []);
    for (const [name, milliseconds] of Object.entries(times)) {
      const own = median(milliseconds);
      rows.push([name, String(count), own.toFixed(2), `${(100 * (own / base - 1)).toFixed(1)} %`]);
    }
  }
  engine.release();
  console.log(`GPT-2 124M at ${precision} after ${PAST} tokens, medians of ${steps} steps:\n`);
  console.log(table(['adapter', 'rows', 'ms a step', 'more than none'], rows));
}

/** Milliseconds of steps of all sides, one of each in turn, after warm-up. */
async function alternate(
  sides: Readonly<Record<string, readonly LanguageModel[]>>,
): Promise<Record<string, number[]>> {
  const running = await Promise.all(
    Object.entries(sides).map(async ([name, models]) => {
      const rows: { tree: TokenTree; last: TreeNode }[] = [];
      for (const [i, model] of models.entries()) {
        const tree = model.open(PAST + 2);
        let last: TreeNode | null = null;
        const nodes = Array.from({ length: PAST }, (_, j) => {
          last = tree.append(last, (37 * j + 11 * i) % 50_000);
          return last;
        });
        await tree.evaluate(nodes.map((node) => ({ node })));
        rows.push({ tree, last: nodes.at(-1) as TreeNode });
      }
      return { name, rows, times: [] as number[] };
    }),
  );
  const read = () => {};
  for (let step = 0; step < steps + 20; step++) {
    for (const { rows, times } of running) {
      const begin = performance.now();
      await Promise.all(
        rows.map(async ({ tree, last }) => {
          const node = tree.append(last, step);
          await tree.evaluate([{ node, read }]);
          tree.release(node);
        }),
      );
      if (step >= 20) times.push(performance.now() - begin);
    }
  }
  for (const { rows } of running) for (const { tree } of rows) tree.close();
  return Object.fromEntries(running.map(({ name, times }) => [name, times]));
}

async function measureDistances(): Promise<void> {
  const text = await readFile(TEXT, 'utf8');
  const adapter = join(work, 'embedded-adapter');
  await writeRandomAdapter(adapter, EMBEDDED, { rank: 16, targets: TARGETS, seed: 99 });
  const source = DEFAULT_CHECKPOINT;
  const [plain, merged] = [join(work, 'plain'), join(work, 'merged')];
  await convert({ source, out: plain, precision: 'f32' });
  await convert({ source: adapter, base: source, out: merged, precision: 'f32' });
  const rows: string[][] = [];
  for (const dtype of ['float16', 'float32'] as const) {
    for (const base of ['f32', 'int8', 'int4'] as const) {
      const model = join(work, base);
      await convert({ source, out: model, precision: base });
      await addAdapter({ source: adapter, model, name: 'one', dtype });
      const alone = await evaluate({ model, reference: plain, text });
      const beside = await evaluate({ model, adapter: 'one', reference: merged, text });
      const kl = ({ divergence }: typeof alone) => divergence.mean.toExponential(2);
      const agreement = `${(100 * beside.top1Agreement).toFixed(1)} %`;
      rows.push([base, dtype, kl(alone), kl(beside), agreement]);
    }
  }
  console.log(
    `\nThe embedded model with r = 16 of all four on ${TEXT.split('/').at(-1)}, KL in nats a token:\n`,
  );
  console.log(
    table(['base', 'adapter', 'base alone', 'with adapter, from merged f32', 'same likeliest'], rows),
  );
}
