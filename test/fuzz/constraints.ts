/**
 * @module `node --expose-gc test/fuzz/constraints.ts --seed N --count N`: hostile constraints, each compiled for GPT-2's
 * vocabulary and read for some tokens. Exit code 1 if one fails or takes too long, or if the heap grows.
 */
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { Command } from 'commander';
import type { Message, Range } from './constraints-worker.ts';

const CHECKPOINTS = 10;
const SHOWN = 15;
const MAX_KIND = 140;
const MAX_STACK = 700;
const MAX_GROWTH_MB = 10;

interface Slow {
  readonly seed: number;
  readonly ms: number;
  readonly source: string;
}

const options = new Command('node --expose-gc test/fuzz/constraints.ts')
  .description('Compiles hostile constraints and reads tokens with them, and measures it.')
  .option('--seed <n>', 'first seed', Number, 0)
  .option('--count <n>', 'number of constraints', Number, 1000)
  .option('--limit <ms>', 'of a compilation and of each token, in ms of processor time', Number, 50)
  .option('--patience <s>', 'seconds after which a constraint is given up', Number, 20)
  .parse()
  .opts<{ seed: number; count: number; limit: number; patience: number }>();

const outcomes: Record<string, number> = {};
const failures = new Map<string, { seed: number; count: number; stack: string }>();
const compilations: Slow[] = [];
const tokens: Slow[] = [];
let overLimit = 0;
/** Of each thread. */
const heaps: number[][] = [];

const end = options.seed + options.count;
for (let from = options.seed; from < end; ) from = await tryRange(from);
report();

/** @returns the first seed that has not been tried: one after a constraint that does not end, or the last */
async function tryRange(from: number): Promise<number> {
  const heap: number[] = [];
  heaps.push(heap);
  const interval = Math.ceil(options.count / CHECKPOINTS);
  const range: Range = { from, to: end, limit: options.limit, interval };
  const worker = new Worker(join(import.meta.dirname, 'constraints-worker.ts'), { workerData: range });
  let [seed, type] = [from, ''];
  return await new Promise((resolve, reject) => {
    const giveUp = () => {
      fail(seed, `${type} takes more than ${options.patience} s`, '');
      void worker.terminate().then(() => resolve(seed + 1));
    };
    // The load of the vocabulary, and the warm-up, take longer.
    let timer = setTimeout(giveUp, 10 * 1000 * options.patience);
    worker.on('message', (message: Message) => {
      if (message.kind === 'begin') {
        clearTimeout(timer);
        timer = setTimeout(giveUp, 1000 * options.patience);
        ({ seed, type } = message);
      } else if (message.kind === 'heap') {
        heap.push(message.megabytes);
        process.stderr.write(`seed ${seed}, heap ${message.megabytes.toFixed(1)} MB\n`);
      } else if (message.kind === 'failed') fail(message.seed, message.message, message.stack);
      else {
        const { source, tried } = message;
        const name = `${type} ${tried.outcome}`;
        outcomes[name] = (outcomes[name] ?? 0) + 1;
        const slowest = Math.max(0, ...tried.tokens);
        if (Math.max(tried.compilation, slowest) > options.limit) overLimit++;
        keep(compilations, { seed, ms: tried.compilation, source });
        keep(tokens, { seed, ms: slowest, source });
      }
    });
    worker.on('error', (error) => {
      clearTimeout(timer);
      fail(seed, `${type} ends the thread: ${error}`, '');
      resolve(seed + 1);
    });
    worker.on('exit', (code) => {
      clearTimeout(timer);
      if (code === 0) resolve(end);
    });
    worker.on('messageerror', reject);
  });
}

function fail(seed: number, message: string, stack: string): void {
  const kind = message.replace(/\d+/g, 'N').slice(0, MAX_KIND);
  const known = failures.get(kind);
  if (known) known.count++;
  else {
    failures.set(kind, { seed, count: 1, stack });
    process.stderr.write(`FAILURE, seed ${seed}: ${kind}\n`);
  }
}

/** Keeps the slowest ones, in order. */
function keep(slowest: Slow[], one: Slow): void {
  slowest.push(one);
  slowest.sort((a, b) => b.ms - a.ms);
  slowest.length = Math.min(slowest.length, SHOWN);
}

function report(): void {
  console.log(`${options.count} constraints from seed ${options.seed}:`);
  for (const [outcome, times] of Object.entries(outcomes).sort()) console.log(`  ${outcome}: ${times}`);
  for (const heap of heaps) console.log(`Heap, MB: ${heap.map((mb) => mb.toFixed(1)).join(', ')}`);
  console.log(`${overLimit} take longer than ${options.limit} ms`);
  show('Slowest to compile', compilations);
  show('Slowest tokens', tokens);
  console.log(`${failures.size} kinds of failures`);
  for (const [kind, { seed, count: times, stack }] of failures)
    console.log(`\n${times} times, first seed ${seed}: ${kind}\n${stack.slice(0, MAX_STACK)}`);
  // The first measurement is that of an empty cache.
  const grows = heaps.some(([, early = 0, ...later]) => (later.at(-1) ?? early) - early > MAX_GROWTH_MB);
  process.exitCode = failures.size > 0 || overLimit > 0 || grows ? 1 : 0;
}

function show(title: string, slowest: readonly Slow[]): void {
  console.log(`${title}:`);
  for (const { seed, ms, source } of slowest) console.log(`  ${ms.toFixed(1)} ms, seed ${seed}: ${source}`);
}
