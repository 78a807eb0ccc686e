/** @module onnxruntime's sessions: one graph each, run over tensors that stay where they are. */
import type { OrtGlue } from 'onnxruntime-web/ort-wasm-simd-threaded.mjs';
import { OrtError } from './errors.ts';
import type { Heap } from './heap.ts';
import { guarded, lastError } from './ort-error.ts';

const POINTER_BYTES = 4;

/** An `OrtValue`: a view of heap memory, which it does not own. */
export interface Tensor {
  readonly handle: number;
  readonly pointer: number;
}

/** Tensors by the names of a graph's inputs or outputs. */
export type Bindings = Readonly<Record<string, Tensor>>;

/** The part of `Ort` that a session uses. */
interface Runtime {
  readonly heap: Heap;
  nameAddress(name: string): number;
}

/**
 * A session for each graph, by the graphs' names.
 * @throws OrtError, HeapExhaustedError; no session is held then
 */
export function createSessions<Name extends string>(
  ort: { createSession(model: Uint8Array): Session },
  graphs: Readonly<Record<Name, Uint8Array>>,
): Record<Name, Session> {
  const sessions: Partial<Record<Name, Session>> = {};
  try {
    for (const name in graphs) sessions[name] = ort.createSession(graphs[name]);
    return sessions as Record<Name, Session>;
  } catch (error) {
    releaseSessions(sessions);
    throw error;
  }
}

export function releaseSessions(sessions: Readonly<Partial<Record<string, Session>>>): void {
  for (const session of Object.values(sessions)) session?.release();
}

/** One graph, ready to run. */
export class Session {
  readonly #ort: Runtime;
  readonly #glue: OrtGlue;
  readonly #handle: number;
  readonly #bytes: number;

  constructor(ort: Runtime, glue: OrtGlue, handle: number, bytes: number) {
    this.#ort = ort;
    this.#glue = glue;
    this.#handle = handle;
    this.#bytes = bytes;
    ort.heap.reserve(bytes, 'graphs');
  }

  /**
   * Runs the graph. Every output is written where its tensor says; it may be the memory of an input.
   * @throws OrtError with onnxruntime's message, e.g. for a shape that does not fit or a heap that is full
   */
  run(inputs: Bindings, outputs: Bindings): void {
    const stack = this.#glue.stackSave();
    try {
      const at = this.#glue.stackAlloc(argumentBytes(inputs, outputs));
      this.#run(this.#writeArguments(inputs, outputs, at));
    } finally {
      this.#glue.stackRestore(stack);
    }
  }

  /**
   * The same run for many times: its arguments are written once.
   * @param at heap memory for them, {@link argumentBytes}, which the caller owns
   */
  bind(inputs: Bindings, outputs: Bindings, at: number): () => void {
    const bound = this.#writeArguments(inputs, outputs, at);
    return () => this.#run(bound);
  }

  release(): void {
    this.#glue._OrtReleaseSession(this.#handle);
    this.#ort.heap.reserve(-this.#bytes, 'graphs');
  }

  #run({ inputs, inputCount, outputs, outputCount }: Arguments): void {
    const failed = guarded(this.#glue, () =>
      this.#glue._OrtRun(
        this.#handle,
        inputs,
        inputs + POINTER_BYTES * inputCount,
        inputCount,
        outputs,
        outputCount,
        outputs + POINTER_BYTES * outputCount,
        0,
      ),
    );
    if (failed) throw new OrtError(lastError(this.#glue));
  }

  #writeArguments(inputs: Bindings, outputs: Bindings, at: number): Arguments {
    const inputCount = this.#writeList(inputs, at);
    const outputsAt = at + 2 * POINTER_BYTES * inputCount;
    return { inputs: at, inputCount, outputs: outputsAt, outputCount: this.#writeList(outputs, outputsAt) };
  }

  /** Two lists: the addresses of the names, and the handles in the same order. Returns their length. */
  #writeList(bindings: Bindings, at: number): number {
    const entries = Object.entries(bindings);
    const addresses = entries.map(([name]) => this.#ort.nameAddress(name));
    const words = this.#ort.heap.words(at, 2 * entries.length);
    words.set(addresses);
    entries.forEach(([, tensor], i) => {
      words[entries.length + i] = tensor.handle;
    });
    return entries.length;
  }
}

/** Where the lists of a run's inputs and outputs are. */
interface Arguments {
  readonly inputs: number;
  readonly inputCount: number;
  readonly outputs: number;
  readonly outputCount: number;
}

/** What the arguments of a run take of the heap. */
export function argumentBytes(inputs: Bindings, outputs: Bindings): number {
  return 2 * POINTER_BYTES * (Object.keys(inputs).length + Object.keys(outputs).length);
}
