/** @module What a request holds in JavaScript, by V8's own figures, with an engine that measures while it "computes". */
import { readFile } from 'node:fs/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { TokenTree, TreeNode } from '../../decoding/interface/token-tree.ts';
import { Rows } from '../../decoding/math/row-pool.ts';
import { AdmissionQueue } from '../../engine/batching/admission.ts';
import { MemoryBudget } from '../../engine/batching/memory-budget.ts';
import type { Engine } from '../../engine/engine.ts';
import { wasmPath } from '../../engine/kernels/build.ts';
import { RowMemory } from './lending-model.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Live bytes in V8's heap and in array buffers. */
export function liveBytes(): number {
  collectGarbage();
  // The first finds dead buffers, the second waits until they are freed.
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** A run twice, with the lesser and the greater figure: code that V8 compiles and caches that fill are not the run's. */
export async function measuredTwice<T extends { readonly real: number }>(
  run: () => Promise<T>,
): Promise<T & { readonly most: number }> {
  const first = await run();
  const second = await run();
  return { ...first, real: Math.min(first.real, second.real), most: Math.max(first.real, second.real) };
}

/** Rows that other searches left would not count: one of another length drops them all. */
export function forgetRows(): void {
  using rows = new Rows(1);
  rows.take(1);
}

export const MEASURED_VOCABULARY = 8192;

/** Memory for the rows that `measuringEngine` lends. */
export async function measuredRows(): Promise<RowMemory> {
  return new RowMemory(await WebAssembly.compile(await readFile(wasmPath('logits'))), MEASURED_VOCABULARY);
}

/** An engine of random logits that measures the live bytes in every `every`-th of its evaluations. */
export function measuringEngine(every: number, rowMemory: RowMemory, contextLength = 1024) {
  const peak = { bytes: 0, evaluations: 0, trees: 0 };
  let seed = 1;
  const computed = new Float32Array(MEASURED_VOCABULARY);
  const engine = {
    vocabSize: MEASURED_VOCABULARY,
    contextLength,
    eosTokenIds: [],
    manifest: { config: { bos_token_id: 0 } },
    status: { slots: { maximum: 4096 } },
    memory: new MemoryBudget(2 ** 40),
    admission: new AdmissionQueue(() => Promise.resolve()),
    check: () => {},
    open: () => {
      peak.trees++;
      return tree();
    },
  };
  function tree(): TokenTree & { capacity: number; reusedEvaluations: number; reset(): void } {
    return {
      capacity: 2 ** 30,
      lendsLogits: true,
      reusedEvaluations: 0,
      append: (parent: TreeNode | null, token: number) => ({
        token,
        parent,
        position: (parent?.position ?? -1) + 1,
      }),
      async evaluate(evaluations) {
        for (const { logits, read } of evaluations) {
          if (!logits && !read) continue;
          for (let i = 0; i < computed.length; i++) {
            seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
            computed[i] = seed / 2 ** 28;
          }
          logits?.set(computed);
          read?.(rowMemory.lend(computed));
        }
        if (peak.evaluations++ % every === 0) peak.bytes = Math.max(peak.bytes, liveBytes());
      },
      release() {},
      close() {},
      reset() {},
    };
  }
  return { engine: engine as unknown as Engine, peak };
}
