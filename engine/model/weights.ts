/**
 * @module A model's weights: streamed from where they are stored to the heap addresses where they stay.
 *
 * The shards are one stream of bytes. Each is read through one small buffer, hashed and put in its place, a few
 * at a time; no second copy of any of it exists at any moment.
 */
import { type Manifest, type TensorEntry, tensorBytes } from '../../model-assets/format/manifest.ts';
import type { Ort } from '../runtime/ort.ts';
import type { Bindings, Tensor } from '../runtime/session.ts';
import { ModelFilesError } from './errors.ts';
import { type ModelSource, readVerified, type Sha256 } from './model-source.ts';

/** A Worker has six connections at a time, and others need some. */
const SHARDS_AT_ONCE = 3;

export class Weights {
  readonly #ort: Ort;
  /** Where they begin in the heap. */
  readonly begin: number;
  readonly #entries: readonly TensorEntry[];
  /** Of those that onnxruntime knows. */
  readonly #tensors = new Map<string, Tensor>();

  /** @throws OrtError; nothing is held then, nor is the memory */
  private constructor(ort: Ort, pointer: number, entries: readonly TensorEntry[]) {
    this.#ort = ort;
    this.begin = pointer;
    this.#entries = entries;
    try {
      for (const { name, dtype, shape, offset } of entries) {
        if (dtype === 'float32' || dtype === 'int8') {
          this.#tensors.set(name, ort.tensor(dtype, pointer + offset, shape));
        }
      }
    } catch (error) {
      this.release();
      throw error;
    }
  }

  /**
   * @param signal gives the memory back at once, and lets nothing be written any more: for a load whose request
   *   was cancelled and of which nothing else will be heard
   * @throws ModelFilesError for a shard that is missing, short, long or not what its SHA-256 says, HeapExhaustedError and
   *   OrtError; nothing is held after any of them
   */
  static async load(
    ort: Ort,
    manifest: Manifest,
    source: ModelSource,
    sha256: () => Sha256,
    signal: AbortSignal,
  ): Promise<Weights> {
    const total = manifest.shards.reduce((sum, shard) => sum + shard.bytes, 0);
    checkTensors(manifest.tensors, total);
    signal.throwIfAborted();
    const pointer = ort.heap.allocate(total, 'weights');
    const failed = new AbortController();
    const stopped = AbortSignal.any([signal, failed.signal]);
    const free = () => ort.heap.free(pointer);
    signal.addEventListener('abort', free, { once: true });

    let end = pointer;
    const places = manifest.shards.map((shard) => {
      const begin = end;
      end += shard.bytes;
      return { shard, begin };
    });
    const queue = places.values();
    const worker = async () => {
      for (const { shard, begin } of queue) {
        await readVerified(source, shard, sha256(), (chunk, offset) => {
          stopped.throwIfAborted();
          ort.heap.bytes(begin + offset, chunk.byteLength).set(chunk);
        });
      }
    };
    const workers = Array.from({ length: SHARDS_AT_ONCE }, () =>
      worker().catch((error: unknown) => failed.abort(error)),
    );
    await Promise.all(workers);
    signal.removeEventListener('abort', free);
    signal.throwIfAborted();
    if (failed.signal.aborted) {
      free();
      throw failed.signal.reason;
    }
    return new Weights(ort, pointer, manifest.tensors);
  }

  /** The tensors of some parts, by their names. */
  under(...parts: readonly string[]): Bindings {
    return Object.fromEntries(
      [...this.#tensors].filter(([name]) => parts.some((part) => name.startsWith(`${part}.`))),
    );
  }

  /**
   * Tensors by other names than their own.
   * @throws ModelFilesError when there is none of such a name
   */
  named(names: Readonly<Record<string, string>>): Bindings {
    return Object.fromEntries(Object.entries(names).map(([as, name]) => [as, this.#tensor(name)]));
  }

  /** The tensors of some parts of a layer, by their names inside it. */
  ofLayer(layer: number, ...parts: readonly string[]): Bindings {
    const prefix = `h.${layer}.`;
    const bindings = this.under(...parts.map((part) => prefix + part));
    return Object.fromEntries(
      Object.entries(bindings).map(([name, tensor]) => [name.slice(prefix.length), tensor]),
    );
  }

  /**
   * Where a tensor is in the heap.
   * @throws ModelFilesError when there is none of this name
   */
  address(name: string): number {
    const entry = this.#entries.find((tensor) => tensor.name === name);
    if (!entry) throw missing(name);
    return this.begin + entry.offset;
  }

  #tensor(name: string): Tensor {
    const tensor = this.#tensors.get(name);
    if (!tensor) throw missing(name);
    return tensor;
  }

  release(): void {
    for (const tensor of this.#tensors.values()) this.#ort.releaseTensor(tensor);
    this.#ort.heap.free(this.begin);
  }
}

function missing(tensor: string): ModelFilesError {
  return new ModelFilesError(`manifest.json has no tensor ${tensor}. HINT: convert the model again`);
}

/** A tensor outside the stream would be a window onto someone else's memory. */
function checkTensors(entries: readonly TensorEntry[], total: number): void {
  for (const { name, dtype, shape, offset } of entries) {
    const bytes = tensorBytes(dtype, shape);
    if (offset + bytes > total) {
      throw new ModelFilesError(
        `manifest.json: tensor ${name} ends at byte ${offset + bytes} of ${total}. HINT: convert the model again`,
      );
    }
  }
}
