/**
 * @module `node bench/kernels.ts`: the kernels alone, at GPT-2 124M shapes, beside what reading the weights costs.
 *
 * With `--disable-wasm-trap-handler` before the file, Node checks bounds in code, as workerd does. Weights are random
 * bytes: time does not depend on them. What is compared is measured in turn, call by call.
 */
import { readFile } from 'node:fs/promises';
import {
  type AttentionKernel,
  attentionKernel,
  attentionScratchBytes,
  int8RowBytes,
} from '../engine/kernels/attention.ts';
import { type KernelModule, wasmPath } from '../engine/kernels/build.ts';
import {
  hasRelaxedSimd,
  type LinearKernels,
  linearKernels,
  lmHeadScratchBytes,
  matmulScratchBytes,
} from '../engine/kernels/linear.ts';
import { describeMachine } from './machine.ts';
import { memoryReader } from './memory-reader.ts';
import { PAST } from './side.ts';

const [LAYERS, HEADS, WIDTH, TOKENS, POSITIONS] = [12, 12, 768, 50_257, 1024];
/** Inputs and outputs of c_attn, c_proj, c_fc and mlp.c_proj. */
const SHAPES = [
  [WIDTH, 3 * WIDTH],
  [WIDTH, WIDTH],
  [WIDTH, 4 * WIDTH],
  [4 * WIDTH, WIDTH],
] as const;
const ROWS = [1, 4, 8, 64] as const;
const MOST_ROWS = 64;
const FLOAT_BYTES = 4;

/** What is measured, all layers of it: 1 call is what one pass takes. */
type Calls = Readonly<Record<string, () => void>>;

/** V8 compiles WebAssembly in two tiers: the first dozens of calls are slower. Those of a prompt are long enough for that. */
const repeats = (rows: number) => (rows > 8 ? { warmUps: 5, calls: 11 } : { warmUps: 20, calls: 41 });

const memory = new WebAssembly.Memory({ initial: 3200, maximum: 3200, shared: true });
const heap = new Uint8Array(memory.buffer);
let heapEnd = 65_536;

await run();

async function run(): Promise<void> {
  const { processor, cores, versions } = describeMachine();
  console.log(`${processor}, ${cores} cores, Node ${versions.Node} ${process.execArgv.join(' ')}`);
  console.log(`medians of calls in turn after warm-up, in ms; all ${LAYERS} layers, ${PAST} tokens before\n`);
  const builds: LinearKernels[] = [await linear('linear-plain')];
  if (hasRelaxedSimd()) builds.unshift(await linear('linear-relaxed'));
  const attention = attentionKernel(await compile('attention'), memory);
  const forRows = [productCalls(builds), readOutCalls(builds[0] as LinearKernels), attentionCalls(attention)];
  for (const rows of ROWS) {
    for (const make of forRows) {
      const measured = measure(make(rows), repeats(rows));
      const texts = Object.entries(measured).map(([name, ms]) => `${name} ${ms.toFixed(2)}`);
      console.log(`${String(rows).padStart(2)} rows: ${texts.join(', ')}`);
    }
  }
}

/** The median of each, in milliseconds. */
function measure(all: Calls, { warmUps, calls }: ReturnType<typeof repeats>): Record<string, number> {
  const times = Object.entries(all).map(([name, call]) => ({ name, call, taken: [] as number[] }));
  for (let i = 0; i < warmUps + calls; i++) {
    for (const { call, taken } of times) {
      const begin = performance.now();
      call();
      if (i >= warmUps) taken.push(performance.now() - begin);
    }
  }
  return Object.fromEntries(
    times.map(({ name, taken }) => [name, taken.sort((a, b) => a - b)[calls >> 1] ?? Number.NaN]),
  );
}

/** The 4-bit linear layers of all blocks, with relaxed SIMD and without, and the floor. */
function productCalls(builds: readonly LinearKernels[]): (rows: number) => Calls {
  const begin = heapEnd;
  const layers = Array.from({ length: LAYERS }, () => SHAPES).flat();
  const weights = layers.map(([inputs, outputs]) => allocate((inputs * outputs * 17) / 32));
  const read = memoryReader(memory, begin, heapEnd - begin);
  const [x, y] = [
    allocate(MOST_ROWS * 4 * WIDTH * FLOAT_BYTES),
    allocate(MOST_ROWS * 4 * WIDTH * FLOAT_BYTES),
  ];
  const [scales, bias] = [allocate(4 * WIDTH * FLOAT_BYTES), allocate(4 * WIDTH * FLOAT_BYTES)];
  const scratch = allocate(matmulScratchBytes(MOST_ROWS, 4 * WIDTH));
  fillFloats(x, MOST_ROWS * 4 * WIDTH);
  const product = (kernels: LinearKernels, rows: number) => () => {
    layers.forEach(([inputs, outputs], i) => {
      kernels.matmul(x, rows, inputs, outputs, weights[i] as number, scales, bias, y, scratch);
    });
  };
  const names = builds.length > 1 ? ['product, relaxed SIMD', 'plain SIMD'] : ['product, plain SIMD'];
  return (rows) => ({
    ...Object.fromEntries(builds.map((kernels, i) => [names[i], product(kernels, rows)])),
    'reading its weights': read,
  });
}

/** Logits and embeddings of `wte` at 8 bits, and the floor. */
function readOutCalls(kernels: LinearKernels): (rows: number) => Calls {
  const begin = heapEnd;
  const codes = allocate(Math.ceil(TOKENS / 4) * 4 * WIDTH);
  const read = memoryReader(memory, begin, heapEnd - begin);
  const [scales, wpe] = [allocate(TOKENS * FLOAT_BYTES), allocate(POSITIONS * WIDTH * FLOAT_BYTES)];
  const [x, logits] = [allocate(MOST_ROWS * WIDTH * FLOAT_BYTES), allocate(8 * TOKENS * FLOAT_BYTES)];
  const scratch = allocate(lmHeadScratchBytes(8, WIDTH));
  const ids = allocate(MOST_ROWS * 4);
  new Uint32Array(memory.buffer, ids, MOST_ROWS).forEach((_, i, all) => {
    all[i] = (i * 7919) % TOKENS;
  });
  const positions = allocate(MOST_ROWS * 4);
  new Uint32Array(memory.buffer, positions, MOST_ROWS).forEach((_, i, all) => {
    all[i] = i;
  });
  fillFloats(x, MOST_ROWS * WIDTH);
  return (rows) => ({
    // Of a prompt only the last row is read out.
    [`read-out${rows > 8 ? ' of 1 row' : ''}`]: () =>
      kernels.lmHead(x, rows > 8 ? 1 : rows, WIDTH, TOKENS, codes, scales, logits, scratch),
    'reading its weights': read,
    embed: () => kernels.embed(ids, positions, rows, WIDTH, codes, scales, wpe, x),
  });
}

/** Attention of all layers after a past, of one sequence each; a prompt's rows attend to their own. */
function attentionCalls(kernel: AttentionKernel): (rows: number) => Calls {
  const size = WIDTH / HEADS;
  const slots = PAST + MOST_ROWS;
  const [qkv, context] = [allocate(MOST_ROWS * 3 * WIDTH * 4), allocate(MOST_ROWS * WIDTH * 4)];
  const paths = allocate(MOST_ROWS * 8);
  const lists = allocate(MOST_ROWS * (PAST + 1) * 4);
  const scratch = allocate(attentionScratchBytes(PAST + 1, size));
  fillFloats(qkv, MOST_ROWS * 3 * WIDTH);
  const cache = (attend: AttentionKernel['attend'], rowBytes: number) => {
    const pool = allocate(LAYERS * 2 * slots * rowBytes);
    const pass = (rows: number, past: number) => {
      layPaths(paths, lists, rows, past, (slot) => pool + slot * rowBytes);
      for (let layer = 0; layer < LAYERS; layer++) {
        const keys = layer * 2 * slots * rowBytes;
        attend(qkv, context, rows, paths, keys, slots * rowBytes, HEADS, size, 1 / Math.sqrt(size), scratch);
      }
    };
    // Every slot gets something to read: a prompt of 64 rows at a time.
    for (let past = 0; past < PAST; past += MOST_ROWS) pass(MOST_ROWS, past);
    return pass;
  };
  const f32 = cache(kernel.attend, WIDTH * FLOAT_BYTES);
  const int8 = cache(kernel.attendInt8, int8RowBytes(HEADS, size));
  return (rows) => {
    const past = rows > 8 ? 0 : PAST;
    return { 'attention, f32 cache': () => f32(rows, past), 'int8 cache': () => int8(rows, past) };
  };
}

/** Rows after `past` tokens: of a prompt, each after the one before, else each a sequence of its own. */
function layPaths(paths: number, lists: number, rows: number, past: number, slot: (i: number) => number) {
  const words = new Uint32Array(memory.buffer);
  const isPrompt = rows > 8;
  for (let row = 0; row < rows; row++) {
    const length = Math.min(isPrompt ? past + row + 1 : past + 1, PAST + 1);
    const list = lists + row * (PAST + 1) * 4;
    for (let t = 0; t < length - 1; t++) words[list / 4 + t] = slot(t);
    words[list / 4 + length - 1] = slot(past + row);
    words.set([list, length], paths / 4 + 2 * row);
  }
}

function allocate(bytes: number): number {
  const at = heapEnd;
  heapEnd += Math.ceil(bytes / 64) * 64;
  if (heapEnd > heap.length) throw new Error(`the benchmark needs more than ${heap.length} bytes`);
  for (let i = at; i < heapEnd; i++) heap[i] = (i * 2_654_435_761) >>> 13;
  return at;
}

function fillFloats(at: number, length: number): void {
  const floats = new Float32Array(memory.buffer, at, length);
  for (let i = 0; i < length; i++) floats[i] = Math.sin(i * 12.9898) * 2;
}

async function linear(module: KernelModule): Promise<LinearKernels> {
  return linearKernels(await compile(module), memory);
}

async function compile(module: KernelModule): Promise<WebAssembly.Module> {
  return WebAssembly.compile(await readFile(wasmPath(module)));
}
