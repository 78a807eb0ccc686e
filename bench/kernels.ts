/**
 * @module `node bench/kernels.ts`: the kernels alone at GPT-2 124M shapes, compared with the time to read
 * their weights.
 *
 * With `--disable-wasm-trap-handler` before the file, Node checks bounds in code, as workerd does. Weights
 * are random bytes: time does not depend on them. Compared functions run in turn, call by call.
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
  type DotProduct,
  type LinearKernels,
  linearKernels,
  quantizedBytes,
} from '../engine/kernels/linear.ts';
import { kernelModules } from '../engine/node/load-engine.ts';
import { int4Bytes, int8Bytes } from '../model-assets/format/packed.ts';
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
const MAX_ROWS = 64;
const FLOAT_BYTES = 4;

/** Measured functions by name. Each call does the work of all layers of one pass. */
type Calls = Readonly<Record<string, () => void>>;

/**
 * V8 compiles WebAssembly in two tiers, so the first dozens of calls are slower. A prompt needs fewer: its
 * calls are long.
 */
const repeats = (rows: number) => (rows > 8 ? { warmUps: 5, calls: 11 } : { warmUps: 20, calls: 41 });

const memory = new WebAssembly.Memory({ initial: 4800, maximum: 4800 });
const heap = new Uint8Array(memory.buffer);
let heapEnd = 65_536;

await run();

async function run(): Promise<void> {
  const { processor, cores, versions } = await describeMachine();
  console.log(`${processor}, ${cores} cores, Node ${versions.Node} ${process.execArgv.join(' ')}`);
  console.log(`medians after warm-up, in ms; all ${LAYERS} layers, after a past of ${PAST} tokens\n`);
  const builds = await loadBuilds();
  const attention = attentionKernel(await compile('attention'), memory);
  const benchmarks = [
    matmulCalls('int4', builds),
    matmulCalls('int8', builds),
    wteCalls(builds),
    attentionCalls(attention),
  ];
  for (const rows of ROWS) {
    for (const callsFor of benchmarks) {
      const medians = measure(callsFor(rows), repeats(rows));
      const texts = Object.entries(medians).map(([name, ms]) => `${name} ${ms.toFixed(2)}`);
      console.log(`${String(rows).padStart(2)} rows: ${texts.join(', ')}`);
    }
  }
}

/** Medians in milliseconds. */
function measure(functions: Calls, { warmUps, calls }: ReturnType<typeof repeats>): Record<string, number> {
  const measurements = Object.entries(functions).map(([name, call]) => ({
    name,
    call,
    times: [] as number[],
  }));
  for (let i = 0; i < warmUps + calls; i++) {
    for (const { call, times } of measurements) {
      const begin = performance.now();
      call();
      if (i >= warmUps) times.push(performance.now() - begin);
    }
  }
  return Object.fromEntries(
    measurements.map(({ name, times }) => [name, times.sort((a, b) => a - b)[calls >> 1] ?? Number.NaN]),
  );
}

/** The builds that this runtime can run, by their form. */
type Builds = Readonly<Partial<Record<DotProduct, LinearKernels>>>;

/** A call for each build, with reading ahead and without. */
function forBuilds(builds: Builds, name: string, call: (kernels: LinearKernels) => void): Calls {
  const entries = Object.entries(builds).flatMap(([form, kernels]) =>
    [false, true].map((readAhead) => {
      const title = `${name}, ${form}${readAhead ? ', ahead' : ''}`;
      const run = () => {
        kernels.setReadAhead(readAhead);
        call(kernels);
      };
      return [title, run] as const;
    }),
  );
  return Object.fromEntries(entries);
}

/** The linear layers of all blocks with the quantization of their rows and GELU, and reading their weights. */
function matmulCalls(precision: 'int4' | 'int8', builds: Builds): (rows: number) => Calls {
  const begin = heapEnd;
  const layers = Array.from({ length: LAYERS }, () => SHAPES).flat();
  const weightBytes = precision === 'int4' ? int4Bytes : int8Bytes;
  const weights = layers.map(([inputs, outputs]) => allocate(weightBytes(inputs, outputs)));
  const read = memoryReader(memory, begin, heapEnd - begin);
  const [x, y] = [allocate(MAX_ROWS * 4 * WIDTH * FLOAT_BYTES), allocate(MAX_ROWS * 4 * WIDTH * FLOAT_BYTES)];
  const [scales, bias] = [allocate(4 * WIDTH * FLOAT_BYTES), allocate(4 * WIDTH * FLOAT_BYTES)];
  const quantized = allocate(quantizedBytes(MAX_ROWS, 4 * WIDTH));
  const call = (kernels: LinearKernels, rows: number) => {
    const matmul = precision === 'int4' ? kernels.matmulInt4 : kernels.matmulInt8;
    layers.forEach(([inputs, outputs], i) => {
      kernels.quantizeRows(x, rows, inputs, quantized);
      matmul(quantized, rows, inputs, outputs, weights[i] as number, scales, bias, y);
    });
  };
  return (rows) => {
    fillFloats(x, MAX_ROWS * 4 * WIDTH);
    return {
      ...forBuilds(builds, precision, (kernels) => call(kernels, rows)),
      'reading its weights': read,
      'GELU, quantized': () => {
        for (let layer = 0; layer < LAYERS; layer++) {
          Object.values(builds)[0]?.geluQuantized(x, rows, 4 * WIDTH, quantized);
        }
      },
    };
  };
}

/** Logits and embeddings of `wte` at 8 bits, and reading its weights. */
function wteCalls(builds: Builds): (rows: number) => Calls {
  const begin = heapEnd;
  const codes = allocate(int8Bytes(WIDTH, TOKENS));
  const read = memoryReader(memory, begin, heapEnd - begin);
  const [scales, wpe] = [allocate(TOKENS * FLOAT_BYTES), allocate(POSITIONS * WIDTH * FLOAT_BYTES)];
  const [x, logits] = [allocate(MAX_ROWS * WIDTH * FLOAT_BYTES), allocate(8 * TOKENS * FLOAT_BYTES)];
  const quantized = allocate(quantizedBytes(MAX_ROWS, WIDTH));
  const ids = allocate(MAX_ROWS * 4);
  new Uint32Array(memory.buffer, ids, MAX_ROWS).forEach((_, i, all) => {
    all[i] = (i * 7919) % TOKENS;
  });
  const positions = allocate(MAX_ROWS * 4);
  new Uint32Array(memory.buffer, positions, MAX_ROWS).forEach((_, i, all) => {
    all[i] = i;
  });
  fillFloats(x, MAX_ROWS * WIDTH);
  return (rows) => {
    // A prompt needs logits for its last row only.
    const logitsRows = rows > 8 ? 1 : rows;
    return {
      ...forBuilds(builds, `lm_head of ${logitsRows}`, (kernels) => {
        kernels.quantizeRows(x, logitsRows, WIDTH, quantized);
        kernels.matmulInt8(quantized, logitsRows, WIDTH, TOKENS, codes, scales, 0, logits);
      }),
      'reading its weights': read,
      embed: () => Object.values(builds)[0]?.embed(ids, positions, rows, WIDTH, codes, scales, wpe, x),
    };
  };
}

/**
 * Attention of all layers. Each row continues the same past; the rows of a prompt attend to each other
 * instead.
 */
function attentionCalls(kernel: AttentionKernel): (rows: number) => Calls {
  const size = WIDTH / HEADS;
  const slots = PAST + MAX_ROWS;
  const [qkv, context] = [allocate(MAX_ROWS * 3 * WIDTH * 4), allocate(MAX_ROWS * WIDTH * 4)];
  const paths = allocate(MAX_ROWS * 8);
  const lists = allocate(MAX_ROWS * (PAST + 1) * 4);
  const scratch = allocate(attentionScratchBytes(PAST + 1, size));
  fillFloats(qkv, MAX_ROWS * 3 * WIDTH);
  const withCache = (attend: AttentionKernel['attend'], rowBytes: number) => {
    const pool = allocate(LAYERS * 2 * slots * rowBytes);
    const pass = (rows: number, past: number) => {
      writePaths(paths, lists, rows, past, (slot) => pool + slot * rowBytes);
      for (let layer = 0; layer < LAYERS; layer++) {
        const keyOffset = layer * 2 * slots * rowBytes;
        attend(
          qkv,
          context,
          rows,
          paths,
          keyOffset,
          slots * rowBytes,
          HEADS,
          size,
          1 / Math.sqrt(size),
          scratch,
        );
      }
    };
    // Fill every slot, a prompt of 64 rows at a time.
    for (let past = 0; past < PAST; past += MAX_ROWS) pass(MAX_ROWS, past);
    return pass;
  };
  const f32 = withCache(kernel.attend, WIDTH * FLOAT_BYTES);
  const int8 = withCache(kernel.attendInt8, int8RowBytes(HEADS, size));
  return (rows) => {
    const past = rows > 8 ? 0 : PAST;
    return { 'attention, f32 cache': () => f32(rows, past), 'int8 cache': () => int8(rows, past) };
  };
}

/** Paths of rows after `past` tokens: a chain for a prompt, else siblings. */
function writePaths(
  paths: number,
  lists: number,
  rows: number,
  past: number,
  slotAddress: (slot: number) => number,
) {
  const words = new Uint32Array(memory.buffer);
  const isPrompt = rows > 8;
  for (let row = 0; row < rows; row++) {
    const length = Math.min(isPrompt ? past + row + 1 : past + 1, PAST + 1);
    const list = lists + row * (PAST + 1) * 4;
    for (let t = 0; t < length - 1; t++) words[list / 4 + t] = slotAddress(t);
    words[list / 4 + length - 1] = slotAddress(past + row);
    words.set([list, length], paths / 4 + 2 * row);
  }
}

function allocate(bytes: number): number {
  const address = heapEnd;
  heapEnd += Math.ceil(bytes / 64) * 64;
  if (heapEnd > heap.length) throw new Error(`the benchmark needs more than ${heap.length} bytes`);
  for (let i = address; i < heapEnd; i++) heap[i] = (i * 2_654_435_761) >>> 13;
  return address;
}

function fillFloats(address: number, length: number): void {
  const floats = new Float32Array(memory.buffer, address, length);
  for (let i = 0; i < length; i++) floats[i] = Math.sin(i * 12.9898) * 2;
}

/** The chosen build first. */
async function loadBuilds(): Promise<Builds> {
  const modules = (await kernelModules()).linear;
  const { kernels, dotProduct } = linearKernels(modules, memory);
  const { kernels: plain } = linearKernels({ plain: await compile('linear-plain') }, memory);
  if ('plain' in modules) return { plain };
  const { kernels: relaxed } = linearKernels({ plain: modules.relaxed }, memory);
  return { [dotProduct]: kernels, relaxed, plain };
}

async function compile(module: KernelModule): Promise<WebAssembly.Module> {
  return WebAssembly.compile(await readFile(wasmPath(module)));
}
