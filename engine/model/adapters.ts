/**
 * @module The LoRA adapters beside a model, in one block of the heap. An adapter gets its space when a tree opens that
 * uses it, and is read into it at the tree's first evaluation. It keeps both until another one needs the space: the least
 * recently used goes first, and none that a tree uses.
 *
 * As with the model (`worker/isolate/isolate-model.ts`), no request awaits a promise of another one. The first that needs
 * an adapter reads it, the others poll, and one that sees no progress takes over.
 */
import { type AdapterContent, MATRIX_ALIGNMENT, readAdapter } from '../../model-assets/format/adapter.ts';
import type { AdapterEntry, Manifest, ModelConfig } from '../../model-assets/format/manifest.ts';
import { AdaptersExhaustedError } from '../cache/errors.ts';
import type { Heap } from '../runtime/heap.ts';
import { ModelFilesError, UnknownAdapterError } from './errors.ts';
import { type ModelSource, readVerified, type Sha256 } from './model-source.ts';
import type { HeapAdapter } from './network.ts';

const POLL_MILLISECONDS = 10;
const STALLED_AFTER_MILLISECONDS = 10_000;

/** Space for a file of this size. */
export const adapterBytes = (fileBytes: number): number =>
  Math.ceil(fileBytes / MATRIX_ALIGNMENT) * MATRIX_ALIGNMENT;

/** What reading an adapter needs. */
export interface AdapterReading {
  readonly source: ModelSource;
  sha256(): Sha256;
  wait(milliseconds: number): Promise<void>;
}

export interface AdaptersStatus {
  /** Space for adapters, and the part of it that has one, in bytes. */
  readonly maximum: number;
  readonly bytes: number;
  /** Times that an adapter was read. */
  readonly loads: number;
  /** Those in memory, and the trees that use each. */
  readonly loaded: readonly { readonly name: string; readonly bytes: number; readonly uses: number }[];
}

/** One adapter, in memory or not. */
class Adapter implements HeapAdapter {
  readonly name: string;
  readonly file: AdapterEntry['file'];
  /** Trees that use it. */
  uses = 0;
  /** The offset of its space in the block; undefined if it has none. */
  offset: number | undefined;
  reading: Reading | undefined;
  readonly #block: number;
  #content: AdapterContent | undefined;

  constructor({ name, file }: AdapterEntry, block: number) {
    this.name = name;
    this.file = file;
    this.#block = block;
  }

  get bytes(): number {
    return adapterBytes(this.file.bytes);
  }

  get address(): number {
    if (this.offset === undefined) throw new Error(`adapter ${this.name} has no space`);
    return this.#block + this.offset;
  }

  get isLoaded(): boolean {
    return this.#content !== undefined;
  }

  get content(): AdapterContent {
    if (!this.#content) throw new Error(`adapter ${this.name} is not loaded`);
    return this.#content;
  }

  fill(content: AdapterContent): void {
    this.#content = content;
  }

  /** Gives its space back. */
  remove(): void {
    this.offset = undefined;
    this.#content = undefined;
    this.reading?.abandon();
    this.reading = undefined;
  }
}

export type { Adapter };

export class Adapters {
  /** Bytes of the block. */
  readonly maximum: number;
  readonly #heap: Heap;
  readonly #config: ModelConfig;
  readonly #block: number;
  readonly #all: ReadonlyMap<string, Adapter>;
  /** Those with space, least recently used first. */
  readonly #placed = new Set<Adapter>();
  #loads = 0;

  /**
   * @param bytes space for adapters; none is allocated if they are 0
   * @throws HeapExhaustedError
   */
  constructor(heap: Heap, { config, adapters = [] }: Pick<Manifest, 'config' | 'adapters'>, bytes: number) {
    this.maximum = bytes;
    this.#heap = heap;
    this.#config = config;
    this.#block = bytes > 0 ? heap.allocate(bytes, 'adapters') : 0;
    this.#all = new Map(adapters.map((entry) => [entry.name, new Adapter(entry, this.#block)]));
  }

  get status(): AdaptersStatus {
    const placed = [...this.#placed];
    return {
      maximum: this.maximum,
      bytes: placed.reduce((sum, { bytes }) => sum + bytes, 0),
      loads: this.#loads,
      loaded: placed
        .filter(({ isLoaded }) => isLoaded)
        .map(({ name, bytes, uses }) => ({ name, bytes, uses })),
    };
  }

  /**
   * Gives an adapter space, if it has none, until it is released as often.
   * @throws UnknownAdapterError; AdaptersExhaustedError when the others in use leave no space, or it is larger than all
   */
  retain(name: string): Adapter {
    const adapter = this.#all.get(name);
    if (!adapter) throw new UnknownAdapterError(`there is no adapter ${name}`);
    if (adapter.offset === undefined) adapter.offset = this.#makeSpace(adapter.bytes);
    adapter.uses++;
    this.#placed.delete(adapter);
    this.#placed.add(adapter);
    return adapter;
  }

  release(adapter: Adapter): void {
    adapter.uses--;
    // What nobody reads on need not be kept.
    if (adapter.uses === 0 && !adapter.isLoaded) this.#remove(adapter);
  }

  /**
   * Reads an adapter into its space, or waits until another request has.
   * @throws ModelFilesError when its file is missing, corrupt or of another base
   */
  async load(adapter: Adapter, using: AdapterReading): Promise<void> {
    while (!adapter.isLoaded) {
      // Meanwhile the tree may have been closed, and all others that used it.
      if (adapter.offset === undefined)
        throw new ModelFilesError('reading the adapter was given up: nobody uses it any more');
      if (adapter.reading?.isStalled) adapter.reading.abandon();
      if (!adapter.reading || adapter.reading.isAbandoned) return await this.#read(adapter, using);
      await using.wait(POLL_MILLISECONDS);
    }
  }

  /** Frees the block. */
  free(): void {
    if (this.maximum > 0) this.#heap.free(this.#block);
  }

  async #read(adapter: Adapter, { source, sha256 }: AdapterReading): Promise<void> {
    const reading = new Reading();
    adapter.reading = reading;
    const { file } = adapter;
    try {
      await readVerified(source, file, sha256(), (chunk, offset) => {
        reading.noticeProgress();
        // Others may have moved it since the last chunk.
        this.#heap.bytes(adapter.address + offset, chunk.byteLength).set(chunk);
      });
      reading.noticeProgress();
      const content = readAdapter(this.#heap.bytes(adapter.address, file.bytes), this.#config);
      if (typeof content === 'string') throw new ModelFilesError(`${file.path} cannot be used: ${content}`);
      adapter.fill(content);
      this.#loads++;
    } finally {
      if (adapter.reading === reading) adapter.reading = undefined;
    }
  }

  /** @returns the offset of free bytes in the block, after the least recently used adapters have given way */
  #makeSpace(bytes: number): number {
    const held = (adapters: Iterable<Adapter>) =>
      [...adapters].reduce((sum, adapter) => sum + adapter.bytes, 0);
    const inUse = held([...this.#placed].filter(({ uses }) => uses > 0));
    if (inUse + bytes > this.maximum) {
      throw new AdaptersExhaustedError(bytes, this.maximum - inUse, this.maximum);
    }
    for (const adapter of this.#placed) {
      if (held(this.#placed) + bytes <= this.maximum) break;
      if (adapter.uses === 0) this.#remove(adapter);
    }
    return this.#compact();
  }

  /**
   * Moves all adapters to the beginning of the block. Nothing refers to their addresses between two passes.
   * @returns the offset after the last one
   */
  #compact(): number {
    const block = this.#heap.bytes(this.#block, this.maximum);
    const inOrder = [...this.#placed].sort((a, b) => (a.offset ?? 0) - (b.offset ?? 0));
    let end = 0;
    for (const adapter of inOrder) {
      const from = adapter.offset ?? 0;
      if (from !== end) block.copyWithin(end, from, from + adapter.bytes);
      adapter.offset = end;
      end += adapter.bytes;
    }
    return end;
  }

  #remove(adapter: Adapter): void {
    adapter.remove();
    this.#placed.delete(adapter);
  }
}

/** One attempt to read an adapter. */
class Reading {
  isAbandoned = false;
  #lastProgress = Date.now();

  get isStalled(): boolean {
    return Date.now() - this.#lastProgress > STALLED_AFTER_MILLISECONDS;
  }

  abandon(): void {
    this.isAbandoned = true;
  }

  /** @throws ModelFilesError after another request has taken over, or another adapter got the space */
  noticeProgress(): void {
    if (this.isAbandoned) throw new ModelFilesError('reading the adapter stalled, and was given up');
    this.#lastProgress = Date.now();
  }
}
