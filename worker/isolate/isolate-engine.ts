/**
 * @module One engine for an isolate: loaded when it is first needed, shared by later requests, loaded again after a
 * failure.
 *
 * A promise of one request must not be what another waits for: when the first is cancelled it never settles. So
 * one request loads, under `waitUntil`, and the others look now and then; one that finds no sign of life from the
 * loader for a while takes its place.
 *
 * The platform kills what takes too much CPU time in the middle of a computation, and goes on with the isolate
 * (workerd#7276). An engine that this has happened to is loaded anew, in the same memory.
 */
import { Engine, type KernelModules } from '../../engine/engine.ts';
import type { ModelSource, Sha256 } from '../../engine/model/model-source.ts';
import { describePlan } from '../../engine/model/plan.ts';
import { Ort } from '../../engine/runtime/ort.ts';
import { workerdPlatform } from './platform.ts';

const LOOK_EVERY_MILLISECONDS = 10;
const SILENCE_MILLISECONDS = 10_000;

export interface LoadContext {
  readonly source: ModelSource;
  readonly heapBytes: number;
  waitUntil(work: Promise<unknown>): void;
}

/** WebAssembly that came with the Worker: none may be compiled later. */
export interface EngineModules {
  readonly onnxruntime: WebAssembly.Module;
  readonly kernels: KernelModules;
}

export class IsolateEngine {
  readonly #modules: EngineModules;
  #ort: Ort | undefined;
  /** Of an onnxruntime that is no more. */
  #usedMemory: WebAssembly.Memory | undefined;
  #engine: Engine | undefined;
  #attempt: Attempt | undefined;

  constructor(modules: EngineModules) {
    this.#modules = modules;
  }

  /** The engine if it is there now. */
  get loaded(): Engine | undefined {
    this.#dropBroken();
    return this.#engine;
  }

  get loading(): boolean {
    return this.#attempt !== undefined;
  }

  /** @throws what loading throws, to the request that loaded; others that waited try themselves */
  async get(context: LoadContext): Promise<Engine> {
    while (!this.loaded) {
      if (this.#attempt?.silent) this.#attempt.abandon();
      if (!this.#attempt || this.#attempt.abandoned) {
        const loading = this.#load(context);
        context.waitUntil(loading.catch(() => {}));
        return loading;
      }
      await scheduler.wait(LOOK_EVERY_MILLISECONDS);
    }
    return this.loaded;
  }

  #dropBroken(): void {
    if (!this.#engine?.broken && !this.#ort?.broken) return;
    console.error('A computation was cut off: the model is loaded anew');
    this.#usedMemory = this.#ort?.heap.memory;
    this.#ort = undefined;
    this.#engine = undefined;
  }

  async #load({ source, heapBytes }: LoadContext): Promise<Engine> {
    const attempt = new Attempt();
    this.#attempt = attempt;
    try {
      // The heap outlives a failed attempt: a WebAssembly memory cannot be given back at will.
      this.#ort ??= await Ort.start(this.#modules.onnxruntime, heapBytes, this.#usedMemory);
      const platform = { ...workerdPlatform, sha256: () => attempt.heard(workerdPlatform.sha256()) };
      const engine = await Engine.load(this.#ort, {
        source,
        platform,
        kernels: this.#modules.kernels,
        signal: attempt.signal,
      });
      this.#engine = engine;
      console.log(`${engine.manifest.name}: ${describePlan(engine.plan)}`);
      return engine;
    } finally {
      if (this.#attempt === attempt) this.#attempt = undefined;
    }
  }
}

class Attempt {
  readonly #controller = new AbortController();
  #lastSign = Date.now();

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get silent(): boolean {
    return Date.now() - this.#lastSign > SILENCE_MILLISECONDS;
  }

  get abandoned(): boolean {
    return this.signal.aborted;
  }

  abandon(): void {
    this.#controller.abort(new Error('another request loads the model in its place'));
  }

  /** Each chunk that is hashed is a sign of life. */
  heard(hash: Sha256): Sha256 {
    return {
      update: (bytes) => {
        this.#lastSign = Date.now();
        return hash.update(bytes);
      },
      digest: () => hash.digest(),
    };
  }
}
