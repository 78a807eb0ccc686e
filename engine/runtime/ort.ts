/**
 * @module onnxruntime's C ABI (`onnxruntime/wasm/api.h`), together with `session.ts`; pinned to
 * onnxruntime-web 1.30.0.
 *
 * The public `InferenceSession` copies every input into the heap and every output out of it on each run. Here
 * tensors are views of heap memory: weights are bound once, and a run copies nothing.
 * `test/workerd/ort.test.ts` tests all assumptions about the ABI, so an incompatible upgrade fails there.
 */
import type { OrtGlue } from 'onnxruntime-web/ort-wasm-simd-threaded.mjs';
import { OrtError } from './errors.ts';
import { Heap, PAGE_BYTES } from './heap.ts';
import { instantiate } from './ort-instance.ts';
import { PoisonGuard } from './poison-guard.ts';
import { catchCppException, lastErrorMessage, Session, type Tensor } from './session.ts';

/** `ONNXTensorElementDataType` */
const ELEMENT_TYPE = { float32: 1, int8: 3, int64: 7 } as const;
const ELEMENT_BYTES = { float32: 4, int8: 1, int64: 8 } as const;

const POINTER_BYTES = 4;
const NULL = 0;
const OFF = 0;
const CPU_MEMORY = 1;
const ALL_OPTIMIZATIONS = 99;
const SEQUENTIAL = 0;
const LOG_ERRORS_ONLY = 3;
const VERBOSITY = 0;

export type ElementType = keyof typeof ELEMENT_TYPE;

export class Ort {
  readonly heap: Heap;
  readonly #glue: OrtGlue;
  readonly #nameAddresses = new Map<string, number>();
  /** Heap memory of the sessions created so far, by the byte lengths of their models. */
  readonly #sessionBytes = new Map<number, number>();
  /** The end of allocations before the first attempt to create a session. */
  #initialEnd: number | undefined;
  readonly #creationGuard = new PoisonGuard('session creation');

  private constructor(glue: OrtGlue, heap: Heap) {
    this.#glue = glue;
    this.heap = heap;
  }

  /**
   * Starts onnxruntime on one thread, in a heap of at most `maximumBytes` (rounded down to whole pages).
   * @param reusedMemory of a broken instance: a `WebAssembly.Memory` cannot be freed explicitly, and a second
   *   one would not fit into the isolate
   * @throws HeapExhaustedError when the initial heap exceeds the maximum; OrtError when the start fails
   */
  static async start(
    wasm: WebAssembly.Module,
    maximumBytes: number,
    reusedMemory?: WebAssembly.Memory,
  ): Promise<Ort> {
    const pages = Math.floor(maximumBytes / PAGE_BYTES);
    const { glue, memory } = await instantiate(wasm, pages, reusedMemory);
    if (glue._OrtInit(1, LOG_ERRORS_ONLY) !== 0) throw new OrtError(lastErrorMessage(glue));
    return new Ort(glue, new Heap(glue, memory, pages * PAGE_BYTES));
  }

  /** Whether the creation of a session was interrupted. */
  get broken(): boolean {
    return this.#creationGuard.broken;
  }

  /**
   * Creates a session. Its heap memory is accounted to `graphs`.
   * @param model the bytes of an ONNX `ModelProto`
   * @throws OrtError, HeapExhaustedError; EngineBrokenError when onnxruntime trapped
   */
  createSession(model: Uint8Array): Session {
    const endBefore = this.#endBeforeSession();
    const copy = this.heap.allocate(model.byteLength, 'graphs');
    try {
      return this.#creationGuard.run(() => {
        this.heap.bytes(copy, model.byteLength).set(model);
        const handle = this.#createSession(copy, model.byteLength);
        return this.#accountSession(handle, model.byteLength, endBefore);
      });
    } finally {
      this.heap.free(copy);
    }
  }

  /**
   * The first attempt to create a session allocates memory that onnxruntime never frees. It is accounted to
   * the first session, even when earlier attempts failed.
   */
  #endBeforeSession(): number {
    if (this.#sessionBytes.size > 0) return this.heap.allocationEnd('graphs');
    this.#initialEnd ??= this.heap.allocationEnd('graphs');
    return this.#initialEnd;
  }

  /** @returns the handle of a session for the model at address `copy` */
  #createSession(copy: number, bytes: number): number {
    const options = this.#glue._OrtCreateSessionOptions(
      ALL_OPTIMIZATIONS,
      OFF,
      OFF,
      SEQUENTIAL,
      OFF,
      NULL,
      NULL,
      LOG_ERRORS_ONLY,
      VERBOSITY,
      NULL,
    );
    if (options === 0) throw new OrtError(lastErrorMessage(this.#glue));
    try {
      const handle = catchCppException(this.#glue, () => this.#glue._OrtCreateSession(copy, bytes, options));
      if (handle === 0) throw new OrtError(lastErrorMessage(this.#glue));
      return handle;
    } finally {
      this.#glue._OrtReleaseSessionOptions(options);
    }
  }

  #accountSession(handle: number, modelBytes: number, endBefore: number): Session {
    try {
      // A session in the memory of a released one does not move the end: use the size measured before.
      const growth = this.heap.allocationEnd('graphs') - endBefore;
      const bytes = Math.max(growth, this.#sessionBytes.get(modelBytes) ?? 0);
      this.#sessionBytes.set(modelBytes, bytes);
      return new Session(this, this.#glue, handle, bytes);
    } catch (error) {
      this.#glue._OrtReleaseSession(handle);
      throw error;
    }
  }

  /** A tensor over heap memory that the caller owns and must not free before the tensor. */
  tensor(type: ElementType, pointer: number, dims: readonly number[]): Tensor {
    const stack = this.#glue.stackSave();
    try {
      const shape = this.#glue.stackAlloc(POINTER_BYTES * dims.length);
      this.heap.words(shape, dims.length).set(dims);
      const size = tensorByteLength(type, dims);
      const handle = catchCppException(this.#glue, () =>
        this.#glue._OrtCreateTensor(ELEMENT_TYPE[type], pointer, size, shape, dims.length, CPU_MEMORY),
      );
      if (handle === 0) throw new OrtError(lastErrorMessage(this.#glue));
      return { handle, pointer };
    } finally {
      this.#glue.stackRestore(stack);
    }
  }

  releaseTensor(tensor: Tensor): void {
    this.#glue._OrtReleaseTensor(tensor.handle);
  }

  /** The address of `name` as a C string. Each name is stored once and never freed. */
  nameAddress(name: string): number {
    const stored = this.#nameAddresses.get(name);
    if (stored !== undefined) return stored;
    const bytes = this.#glue.lengthBytesUTF8(name) + 1;
    // Covered by the reservation of each pass for small allocations.
    const pointer = this.heap.allocateReserved(bytes);
    this.#glue.stringToUTF8(name, pointer, bytes);
    this.#nameAddresses.set(name, pointer);
    return pointer;
  }
}

export function tensorByteLength(type: ElementType, dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, ELEMENT_BYTES[type]);
}
