/**
 * @module The part of onnxruntime's stack that it never reaches, for other data.
 *
 * onnxruntime-web is linked with a stack of 5 MiB, and a run of GPT-2's graphs takes at most 90 kB of it. The stack
 * grows down, so its lower part stays unused: 3 % of an isolate's memory.
 */

const MIB = 2 ** 20;
/** Emscripten's `STACK_SIZE` in onnxruntime-web 1.30.0. */
const STACK_BYTES = 5 * MIB;
/** Stays onnxruntime's own. `test/unit/engine/runtime/stack-space.test.ts` measures what it uses. */
const KEPT_STACK_BYTES = MIB;
export const UNUSED_STACK_BYTES = STACK_BYTES - KEPT_STACK_BYTES;
const ALIGNMENT = 16;

interface Range {
  readonly begin: number;
  readonly end: number;
}

/** Hands out a range of addresses from its beginning. What is freed is handed out again if it was the last, or when all is freed. */
export class StackSpace {
  readonly #range: Range;
  #next: number;
  #lent = 0;

  constructor(range: Range) {
    this.#range = range;
    this.#next = range.begin;
  }

  /**
   * Finds the unused part of a stack that is empty but for what is above `pointer`. There is none if anything is written
   * there: another version of onnxruntime may have a smaller stack, with data below.
   */
  static find(memory: WebAssembly.Memory, pointer: number): StackSpace {
    const end = pointer - KEPT_STACK_BYTES - (pointer % ALIGNMENT);
    const begin = end - UNUSED_STACK_BYTES;
    const isUnused = begin > 0 && isZero(new Uint32Array(memory.buffer, begin, UNUSED_STACK_BYTES / 4));
    return new StackSpace({ begin: isUnused ? begin : end, end });
  }

  /** Bytes that are handed out. */
  get lent(): number {
    return this.#lent;
  }

  get unused(): number {
    return this.#range.end - this.#next;
  }

  allocate(bytes: number): number | undefined {
    const size = aligned(bytes);
    if (size > this.unused) return undefined;
    const pointer = this.#next;
    this.#next += size;
    this.#lent += bytes;
    return pointer;
  }

  /** @returns false for an address outside of the range */
  free(pointer: number, bytes: number): boolean {
    if (pointer < this.#range.begin || pointer >= this.#range.end) return false;
    this.#lent -= bytes;
    if (this.#lent === 0) this.#next = this.#range.begin;
    else if (pointer + aligned(bytes) === this.#next) this.#next = pointer;
    return true;
  }
}

/** A loop, not `every`: a cold isolate calls it for a million words, and it takes a quarter of the time. */
function isZero(words: Uint32Array): boolean {
  for (let i = 0; i < words.length; i++) if (words[i] !== 0) return false;
  return true;
}

const aligned = (bytes: number) => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
