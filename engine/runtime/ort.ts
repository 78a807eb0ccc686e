/**
 * @module What knows onnxruntime's C ABI (`onnxruntime/wasm/api.h`), together with `session.ts` and `ort-error.ts`; pinned to
 * onnxruntime-web 1.30.0.
 *
 * The public `InferenceSession` copies every input into the heap and every output out of it on each run. Here
 * tensors are views of heap memory that stays where it is: weights and the cache are bound once, a run moves
 * nothing. `test/workerd/ort.test.ts` is the contract: what this file relies on, so that an upgrade fails there.
 */
import type { OrtGlue } from 'onnxruntime-web/ort-wasm-simd-threaded.mjs';
import { OrtError } from './errors.ts';
import { Heap, PAGE_BYTES } from './heap.ts';
import { guarded, lastError } from './ort-error.ts';
import { instantiate } from './ort-instance.ts';
import { PoisonGuard } from './poison-guard.ts';
import { Session, type Tensor } from './session.ts';

/** `ONNXTensorElementDataType` */
const ELEMENT_TYPE = { float32: 1, int8: 3, int64: 7 } as const;
const ELEMENT_BYTES = { float32: 4, int8: 1, int64: 8 } as const;

const POINTER_BYTES = 4;
const CPU_MEMORY = 1;
const ALL_OPTIMIZATIONS = 99;
const LOG_ERRORS_ONLY = 3;

export type ElementType = keyof typeof ELEMENT_TYPE;

export class Ort {
  readonly heap: Heap;
  readonly #glue: OrtGlue;
  readonly #names = new Map<string, number>();
  /** What sessions took, by the lengths of their graphs. */
  readonly #graphBytes = new Map<number, number>();

  /** Where the heap ended before the first attempt at a session. */
  #begin: number | undefined;
  readonly #creating = new PoisonGuard('the making of a session');

  private constructor(glue: OrtGlue, heap: Heap) {
    this.#glue = glue;
    this.heap = heap;
  }

  /**
   * Starts onnxruntime on one thread, in a heap of at most `maximumBytes` (rounded down to whole pages).
   * @param used the memory of one that is broken: a memory cannot be given back at will, and two would not fit
   * @throws HeapExhaustedError when it needs more than that to begin with, OrtError when it does not start
   */
  static async start(
    wasm: WebAssembly.Module,
    maximumBytes: number,
    used?: WebAssembly.Memory,
  ): Promise<Ort> {
    const pages = Math.floor(maximumBytes / PAGE_BYTES);
    const { glue, memory } = await instantiate(wasm, pages, used);
    if (glue._OrtInit(1, LOG_ERRORS_ONLY) !== 0) throw new OrtError(lastError(glue));
    return new Ort(glue, new Heap(glue, memory, pages * PAGE_BYTES));
  }

  /** Whether a session was begun and not made. */
  get broken(): boolean {
    return this.#creating.broken;
  }

  /**
   * A session for a graph. What it takes of the heap is entered into the account as `graphs`.
   * @param model the bytes of an ONNX `ModelProto`
   * @throws OrtError, HeapExhaustedError; EngineBrokenError when onnxruntime has trapped
   */
  createSession(model: Uint8Array): Session {
    const before = this.#beforeSession();
    const copy = this.heap.allocate(model.byteLength, 'graphs');
    try {
      return this.#creating.run(() => {
        this.heap.bytes(copy, model.byteLength).set(model);
        const handle = this.#createSession(copy, model.byteLength);
        return this.#entered(handle, model.byteLength, before);
      });
    } finally {
      this.heap.free(copy);
    }
  }

  /**
   * Where the heap ends. With its first session onnxruntime takes something for good, which belongs to the first in the
   * account, even if there was an attempt before it that failed.
   */
  #beforeSession(): number {
    if (this.#graphBytes.size > 0) return this.heap.top('graphs');
    this.#begin ??= this.heap.top('graphs');
    return this.#begin;
  }

  /** @returns the handle of a session for the model at `copy` */
  #createSession(copy: number, bytes: number): number {
    const options = this.#glue._OrtCreateSessionOptions(
      ALL_OPTIMIZATIONS,
      0,
      0,
      0,
      0,
      0,
      0,
      LOG_ERRORS_ONLY,
      0,
      0,
    );
    if (options === 0) throw new OrtError(lastError(this.#glue));
    try {
      const handle = guarded(this.#glue, () => this.#glue._OrtCreateSession(copy, bytes, options));
      if (handle === 0) throw new OrtError(lastError(this.#glue));
      return handle;
    } finally {
      this.#glue._OrtReleaseSessionOptions(options);
    }
  }

  /** A session whose bytes are in the account. */
  #entered(handle: number, modelBytes: number, before: number): Session {
    try {
      // A session that has taken the place of one before it moves no end.
      const bytes = Math.max(this.heap.top('graphs') - before, this.#graphBytes.get(modelBytes) ?? 0);
      this.#graphBytes.set(modelBytes, bytes);
      return new Session(this, this.#glue, handle, bytes);
    } catch (error) {
      this.#glue._OrtReleaseSession(handle);
      throw error;
    }
  }

  /** A tensor over heap memory that the caller owns and keeps alive. */
  tensor(type: ElementType, pointer: number, dims: readonly number[]): Tensor {
    const stack = this.#glue.stackSave();
    try {
      const shape = this.#glue.stackAlloc(POINTER_BYTES * dims.length);
      this.heap.words(shape, dims.length).set(dims);
      const size = elementsBytes(type, dims);
      const handle = guarded(this.#glue, () =>
        this.#glue._OrtCreateTensor(ELEMENT_TYPE[type], pointer, size, shape, dims.length, CPU_MEMORY),
      );
      if (handle === 0) throw new OrtError(lastError(this.#glue));
      return { handle, pointer };
    } finally {
      this.#glue.stackRestore(stack);
    }
  }

  releaseTensor(tensor: Tensor): void {
    this.#glue._OrtReleaseTensor(tensor.handle);
  }

  /** The address of `name` as a C string; each name is stored once, for good. */
  nameAddress(name: string): number {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    const bytes = this.#glue.lengthBytesUTF8(name) + 1;
    // Some bytes for good, out of the small pieces that every pass has reserved.
    const pointer = this.heap.borrow(bytes);
    this.#glue.stringToUTF8(name, pointer, bytes);
    this.#names.set(name, pointer);
    return pointer;
  }
}

/** What a tensor's elements take. */
export function elementsBytes(type: ElementType, dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, ELEMENT_BYTES[type]);
}
