/** @module A side of the comparison in its own Node process: judges one schema at a time. */
import { setTimeout } from 'node:timers/promises';
import { type Case, readCases } from './cases.ts';
import type { ConstraintSide, LoadSide, SchemaSide } from './side.ts';
import { loadGpt2 } from './vocabulary.ts';

export type SideName = keyof typeof SIDES;

/** A process imports its own side only, because its memory is a figure. */
const SIDES = {
  edgebeam: async () => (await import('./our-side.ts')).load,
  transformers: async () => (await import('./peers/transformers-side.ts')).load,
  xgrammar: async () => (await import('./peers/xgrammar-side.ts')).load,
} satisfies Record<string, () => Promise<LoadSide>>;

/** Milliseconds, and bytes after a garbage collection beyond what the process had before. */
export interface Loaded {
  readonly milliseconds: number;
  readonly bytes: number;
}

export interface Judgement {
  /** Undefined for a schema that is compiled. */
  readonly refusal?: string;
  /** Milliseconds. */
  readonly compilation: number;
  /** Microseconds. */
  readonly masks: readonly number[];
  /** Texts of instances, as `JSON.stringify` writes them and with an indent of 2. */
  readonly texts: number;
  readonly validRejected: number;
  readonly invalidAccepted: number;
  /** Bytes after a garbage collection beyond what the process had before its vocabulary. */
  readonly bytes: number;
}

const [name, file] = process.argv.slice(2) as [SideName, string];
if (!process.send) throw new Error('bench/constraints/sides.ts must start this process');

const cases = await readCases(file);
const { vocabulary, encode } = await loadGpt2();
/** Exported, so that they are held: their memory is in that of the process before. */
export const tokens = Array.from({ length: vocabulary.vocabSize }, (_, token) =>
  vocabulary.bytesOf(token).slice(),
);
const load = await SIDES[name]();
const before = await settledHeapBytes();
const begin = performance.now();
const side = await load(tokens);
const milliseconds = performance.now() - begin;
process.on('disconnect', () => process.exit());
process.on('message', async (index: number) => process.send?.(await judge(side, cases[index] as Case)));
process.send({ milliseconds, bytes: bytesOf(side) } satisfies Loaded);

async function judge(side: ConstraintSide, { schema, tests }: Case): Promise<Judgement> {
  const masks: number[] = [];
  let [texts, validRejected, invalidAccepted] = [0, 0, 0];
  let compilation = 0;
  let refusal: string | undefined;
  try {
    const begin = performance.now();
    const compiled = await side.compile(schema);
    compilation = performance.now() - begin;
    for (const { valid, data } of tests) {
      for (const text of [JSON.stringify(data), JSON.stringify(data, null, 2)]) {
        const accepted = await accepts(compiled, encode(text), masks);
        texts++;
        if (valid && !accepted) validRejected++;
        if (!valid && accepted) invalidAccepted++;
      }
    }
    compiled.dispose?.();
  } catch (error) {
    refusal = error instanceof Error ? error.message : String(error);
  }
  return {
    ...{ compilation, masks, texts, validRejected, invalidAccepted, bytes: bytesOf(side) },
    ...(refusal !== undefined && { refusal }),
  };
}

async function accepts(compiled: SchemaSide, tokens: readonly number[], masks: number[]): Promise<boolean> {
  await compiled.restart();
  const make = async () => {
    const begin = performance.now();
    // A promise costs time that a side without one does not have.
    const made = compiled.makeMask();
    if (made) await made;
    masks.push(1000 * (performance.now() - begin));
  };
  for (const token of tokens) {
    await make();
    if (!compiled.allows(token)) return false;
    compiled.read(token);
  }
  await make();
  return compiled.mayEnd();
}

function bytesOf({ outsideBytes }: ConstraintSide): number {
  return heapBytes() + outsideBytes - before;
}

/** Buffers are freed some time after the garbage collection. */
async function settledHeapBytes(): Promise<number> {
  for (let i = 0; i < 5; i++) {
    heapBytes();
    await setTimeout(50);
  }
  return heapBytes();
}

function heapBytes(): number {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
