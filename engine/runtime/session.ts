/**
 * @module Sessions of onnxruntime: one graph each, run in place over tensors in the heap. With `ort.ts`, the
 * only code that calls onnxruntime's C ABI.
 */
import type { OrtGlue } from 'onnxruntime-web/ort-wasm-simd-threaded.mjs';
import { OrtError } from './errors.ts';
import type { Heap } from './heap.ts';

const POINTER_BYTES = 4;

/** An `OrtValue`: a view of heap memory that it does not own. */
export interface Tensor {
  readonly handle: number;
  readonly pointer: number;
}

/** Tensors by the names of a graph's inputs, or of its outputs. */
export type Bindings = Readonly<Record<string, Tensor>>;

/** The part of `Ort` that a session uses. */
interface Runtime {
  readonly heap: Heap;
  nameAddress(name: string): number;
}

/**
 * Creates a session for each graph.
 * @throws OrtError, HeapExhaustedError; no session stays open then
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
   * Runs the graph and writes each output to its tensor's memory, which an input may share.
   * @throws OrtError with onnxruntime's message, e.g. for a wrong shape or a full heap
   */
  run(inputs: Bindings, outputs: Bindings): void {
    const stack = this.#glue.stackSave();
    try {
      const pointer = this.#glue.stackAlloc(argumentBytes(inputs, outputs));
      this.#run(this.#writeArguments(inputs, outputs, pointer));
    } finally {
      this.#glue.stackRestore(stack);
    }
  }

  /**
   * A repeatable run whose arguments are written once.
   * @param pointer heap memory for the arguments, {@link argumentBytes}; the caller owns it
   */
  bind(inputs: Bindings, outputs: Bindings, pointer: number): () => void {
    const args = this.#writeArguments(inputs, outputs, pointer);
    return () => this.#run(args);
  }

  release(): void {
    this.#glue._OrtReleaseSession(this.#handle);
    this.#ort.heap.reserve(-this.#bytes, 'graphs');
  }

  #run({ inputs, inputCount, outputs, outputCount }: Arguments): void {
    const status = catchCppException(this.#glue, () =>
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
    if (status !== 0) throw new OrtError(lastErrorMessage(this.#glue));
  }

  #writeArguments(inputs: Bindings, outputs: Bindings, pointer: number): Arguments {
    const inputCount = this.#writeBindings(inputs, pointer);
    const outputsPointer = pointer + 2 * POINTER_BYTES * inputCount;
    const outputCount = this.#writeBindings(outputs, outputsPointer);
    return { inputs: pointer, inputCount, outputs: outputsPointer, outputCount };
  }

  /**
   * Writes two arrays: the addresses of the names, then the handles in the same order.
   * @returns their length
   */
  #writeBindings(bindings: Bindings, pointer: number): number {
    const entries = Object.entries(bindings);
    const addresses = entries.map(([name]) => this.#ort.nameAddress(name));
    const words = this.#ort.heap.words(pointer, 2 * entries.length);
    words.set(addresses);
    entries.forEach(([, tensor], i) => {
      words[entries.length + i] = tensor.handle;
    });
    return entries.length;
  }
}

/** Addresses of a run's bindings: for inputs and for outputs, names and then handles. */
interface Arguments {
  readonly inputs: number;
  readonly inputCount: number;
  readonly outputs: number;
  readonly outputCount: number;
}

/** Heap memory that a run's arguments need. */
export function argumentBytes(inputs: Bindings, outputs: Bindings): number {
  return 2 * POINTER_BYTES * (Object.keys(inputs).length + Object.keys(outputs).length);
}

/**
 * Turns an uncaught C++ exception, which the glue throws as a number (its address), into an OrtError.
 * onnxruntime throws one when it runs out of memory outside of a graph. C++ has unwound all but the stack
 * pointer by then.
 */
export function catchCppException(glue: OrtGlue, call: () => number): number {
  const stack = glue.stackSave();
  try {
    return call();
  } catch (error) {
    if (typeof error !== 'number') throw error;
    glue.stackRestore(stack);
    throw new OrtError('onnxruntime ran out of memory');
  }
}

/** onnxruntime's message for the call that failed last. */
export function lastErrorMessage(glue: OrtGlue): string {
  const stack = glue.stackSave();
  try {
    const address = glue.stackAlloc(2 * POINTER_BYTES);
    glue._OrtGetLastError(address, address + POINTER_BYTES);
    return glue.UTF8ToString(glue.getValue(address + POINTER_BYTES, '*'));
  } finally {
    glue.stackRestore(stack);
  }
}
