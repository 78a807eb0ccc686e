/**
 * @module The one model of an isolate: loaded by the first request that needs it, shared by later requests,
 * reloaded after a failure.
 *
 * No request may await a promise of another request: when workerd cancels that request, the promise never
 * settles. So one request loads, under `waitUntil`, and the others poll. A polling request takes over when
 * the load stalls.
 *
 * The platform kills a computation that takes too much CPU time, and keeps the isolate (workerd#7276). After
 * that the contents of the engine's memory are undefined: the model is reloaded into the same memory.
 */
import { type ModelDefaults, readModelDefaults } from '../../decoding/options/model-defaults.ts';
import { Engine, type KernelModules } from '../../engine/engine.ts';
import { ModelFilesError } from '../../engine/model/errors.ts';
import type { ModelSource, Sha256 } from '../../engine/model/model-source.ts';
import { describePlan } from '../../engine/model/plan.ts';
import { Ort } from '../../engine/runtime/ort.ts';
import { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { Catalogues } from './catalogues.ts';
import { ChatTemplates } from './chat-templates.ts';
import { Constraints } from './constraints.ts';
import { keptTogether } from './kept.ts';
import { workerdPlatform } from './platform.ts';
import type { ServedModel } from './served-model.ts';

const POLL_MILLISECONDS = 10;
const STALLED_AFTER_MILLISECONDS = 10_000;

export interface LoadContext {
  readonly source: ModelSource;
  readonly heapBytes: number;
  waitUntil(work: Promise<unknown>): void;
}

/** The Worker's WebAssembly modules: workerd compiles them at deployment, never at run time. */
export interface EngineModules {
  readonly onnxruntime: WebAssembly.Module;
  readonly kernels: KernelModules;
}

export class IsolateModel {
  readonly #modules: EngineModules;
  #ort: Ort | undefined;
  /** The memory of a broken onnxruntime, reused by the next one. */
  #usedMemory: WebAssembly.Memory | undefined;
  #model: ServedModel | undefined;
  #attempt: LoadAttempt | undefined;

  constructor(modules: EngineModules) {
    this.#modules = modules;
  }

  /** The model, if it is in memory. */
  get loaded(): ServedModel | undefined {
    this.#dropBroken();
    return this.#model;
  }

  get loading(): boolean {
    return this.#attempt !== undefined;
  }

  /** @throws the error of the load, in the request that loaded; after it another request loads */
  async get(context: LoadContext): Promise<ServedModel> {
    while (!this.loaded) {
      if (this.#attempt?.stalled) this.#attempt.abandon();
      if (!this.#attempt || this.#attempt.abandoned) {
        const loading = this.#load(context);
        context.waitUntil(loading.catch(() => {}));
        return loading;
      }
      await scheduler.wait(POLL_MILLISECONDS);
    }
    return this.loaded;
  }

  /** Discards the model and onnxruntime after a computation was killed. */
  #dropBroken(): void {
    if (!this.#model?.engine.broken && !this.#ort?.broken) return;
    console.error('A computation was killed: reloading the model');
    this.#usedMemory = this.#ort?.heap.memory;
    this.#ort = undefined;
    this.#model = undefined;
  }

  async #load({ source, heapBytes }: LoadContext): Promise<ServedModel> {
    const attempt = new LoadAttempt();
    this.#attempt = attempt;
    try {
      // The heap outlives a failed attempt: a WebAssembly memory cannot be released on demand.
      this.#ort ??= await Ort.start(this.#modules.onnxruntime, heapBytes, this.#usedMemory);
      const platform = { ...workerdPlatform, sha256: () => attempt.withProgress(workerdPlatform.sha256()) };
      const engine = await Engine.load(this.#ort, {
        source,
        platform,
        kernels: this.#modules.kernels,
        signal: attempt.signal,
      });
      this.#model = withTokenizer(engine);
      const products = engine.dotProduct ? `; products: ${engine.dotProduct}` : '';
      console.log(`${engine.manifest.name}: ${describePlan(engine.plan)}${products}`);
      return this.#model;
    } finally {
      if (this.#attempt === attempt) this.#attempt = undefined;
    }
  }
}

/** @throws ModelFilesError for a tokenizer file or defaults that do not serve; the engine is released then */
function withTokenizer(engine: Engine): ServedModel {
  try {
    const tokenizer = tokenizerOf(engine);
    const { chat } = engine.manifest;
    const catalogues = new Catalogues(engine);
    const constraints = new Constraints(tokenizer, engine.memory, catalogues);
    engine.memory.evictable = keptTogether([constraints, catalogues]);
    const defaults = defaultsOf(engine);
    return {
      engine,
      tokenizer,
      constraints,
      catalogues,
      defaults,
      ...(chat && { chat: new ChatTemplates(chat) }),
    };
  } catch (error) {
    engine.release();
    throw error;
  }
}

/** @throws ModelFilesError for a value that no option takes: the converter writes none */
function defaultsOf({ manifest: { generation_config = {} }, vocabSize }: Engine): ModelDefaults {
  const { defaults, faults } = readModelDefaults(generation_config, vocabSize);
  const [fault] = faults;
  if (!fault) return defaults;
  throw new ModelFilesError(
    `manifest.json: generation_config: ${fault.message}. HINT: convert the model again`,
  );
}

/** @throws ModelFilesError for a file that is not a tokenizer of this version, or has ids beyond the model's */
function tokenizerOf({ manifest, tokenizerFile, vocabSize }: Engine): Tokenizer {
  const { path } = manifest.tokenizer;
  let tokenizer: Tokenizer;
  try {
    tokenizer = Tokenizer.read(tokenizerFile);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new ModelFilesError(`${path} cannot be read: ${message}`, { cause: error });
  }
  if (tokenizer.modelVocabSize <= vocabSize) return tokenizer;
  throw new ModelFilesError(
    `${path} has ${tokenizer.modelVocabSize} tokens, but the model's vocabulary is ${vocabSize}`,
  );
}

class LoadAttempt {
  readonly #controller = new AbortController();
  #lastProgress = Date.now();

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get stalled(): boolean {
    return Date.now() - this.#lastProgress > STALLED_AFTER_MILLISECONDS;
  }

  get abandoned(): boolean {
    return this.signal.aborted;
  }

  abandon(): void {
    this.#controller.abort(new Error('the load stalled, and another request has taken over'));
  }

  /** A hash that counts every chunk as progress. */
  withProgress(hash: Sha256): Sha256 {
    return {
      update: (bytes) => {
        this.#lastProgress = Date.now();
        return hash.update(bytes);
      },
      digest: () => hash.digest(),
    };
  }
}
