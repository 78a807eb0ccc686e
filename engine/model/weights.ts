/**
 * @module A model's weights: streamed from their source directly to their final heap addresses.
 *
 * The shards form one stream of bytes. A few are read at a time; each passes through one small buffer and is
 * hashed on the way. No second copy of the weights exists at any moment.
 */
import type { Manifest, TensorEntry } from '../../model-assets/format/manifest.ts';
import type { Ort } from '../runtime/ort.ts';
import type { Bindings, Tensor } from '../runtime/session.ts';
import { ModelFilesError } from './errors.ts';
import { type ModelSource, readVerified, type Sha256 } from './model-source.ts';

/** A Worker has six simultaneous connections; some remain for other requests. */
const PARALLEL_SHARDS = 3;

export class Weights {
  readonly #ort: Ort;
  /** Heap address of the first byte. */
  readonly begin: number;
  readonly #entries: readonly TensorEntry[];
  /** Those in f32: others are packed for our kernels. */
  readonly #tensors = new Map<string, Tensor>();

  /** @throws OrtError; the memory is freed then */
  private constructor(ort: Ort, pointer: number, entries: readonly TensorEntry[]) {
    this.#ort = ort;
    this.begin = pointer;
    this.#entries = entries;
    try {
      for (const { name, dtype, shape, offset } of entries) {
        if (dtype === 'float32') this.#tensors.set(name, ort.tensor(dtype, pointer + offset, shape));
      }
    } catch (error) {
      this.release();
      throw error;
    }
  }

  /**
   * @param signal frees the memory at once and stops all writes: the platform may never resume the load of a
   *   cancelled request
   * @throws ModelFilesError for a shard that is missing, short, long or corrupt; HeapExhaustedError;
   *   OrtError. Nothing stays allocated after any of them
   */
  static async load(
    ort: Ort,
    manifest: Manifest,
    source: ModelSource,
    sha256: () => Sha256,
    signal: AbortSignal,
  ): Promise<Weights> {
    const total = manifest.shards.reduce((sum, shard) => sum + shard.bytes, 0);
    signal.throwIfAborted();
    const pointer = ort.heap.allocate(total, 'weights');
    const failure = new AbortController();
    const stop = AbortSignal.any([signal, failure.signal]);
    const free = () => ort.heap.free(pointer);
    signal.addEventListener('abort', free, { once: true });

    let end = pointer;
    const shards = manifest.shards.map((shard) => {
      const begin = end;
      end += shard.bytes;
      return { shard, begin };
    });
    const queue = shards.values();
    const readShards = async () => {
      for (const { shard, begin } of queue) {
        await readVerified(source, shard, sha256(), (chunk, offset) => {
          stop.throwIfAborted();
          ort.heap.bytes(begin + offset, chunk.byteLength).set(chunk);
        });
      }
    };
    const readers = Array.from({ length: PARALLEL_SHARDS }, () =>
      readShards().catch((error: unknown) => failure.abort(error)),
    );
    await Promise.all(readers);
    signal.removeEventListener('abort', free);
    signal.throwIfAborted();
    if (failure.signal.aborted) {
      free();
      throw failure.signal.reason;
    }
    return new Weights(ort, pointer, manifest.tensors);
  }

  /** The tensors of modules, by their full names. */
  ofModules(...modules: readonly string[]): Bindings {
    return Object.fromEntries(
      [...this.#tensors].filter(([name]) => modules.some((module) => name.startsWith(`${module}.`))),
    );
  }

  /**
   * Tensors by other names.
   * @param names a tensor's name for each new name
   * @throws ModelFilesError when a tensor does not exist
   */
  renamed(names: Readonly<Record<string, string>>): Bindings {
    return Object.fromEntries(Object.entries(names).map(([newName, name]) => [newName, this.#tensor(name)]));
  }

  /** The tensors of a layer's modules, by their names within the layer. */
  ofLayer(layer: number, ...modules: readonly string[]): Bindings {
    const prefix = `h.${layer}.`;
    const bindings = this.ofModules(...modules.map((module) => prefix + module));
    return Object.fromEntries(
      Object.entries(bindings).map(([name, tensor]) => [name.slice(prefix.length), tensor]),
    );
  }

  /**
   * Heap address of a tensor.
   * @throws ModelFilesError when it does not exist
   */
  address(name: string): number {
    return this.begin + this.#entry(name).offset;
  }

  /**
   * Whether a tensor has 4 bits a weight.
   * @throws ModelFilesError when it does not exist
   */
  isInt4(name: string): boolean {
    return this.#entry(name).dtype === 'int4';
  }

  #entry(name: string): TensorEntry {
    const entry = this.#entries.find((tensor) => tensor.name === name);
    if (!entry) throw missingTensor(name);
    return entry;
  }

  #tensor(name: string): Tensor {
    const tensor = this.#tensors.get(name);
    if (!tensor) throw missingTensor(name);
    return tensor;
  }

  release(): void {
    for (const tensor of this.#tensors.values()) this.#ort.releaseTensor(tensor);
    this.#ort.heap.free(this.begin);
  }
}

function missingTensor(tensor: string): ModelFilesError {
  return new ModelFilesError(`manifest.json has no tensor ${tensor}. HINT: convert the model again`);
}
