/** @module What `edgebeam/engine` exports in Node and in workerd alike. */
import type { Engine } from '../../engine/engine.ts';
import type { ModelSource } from '../../engine/model/model-source.ts';
import type { PlanOptions } from '../../engine/model/plan.ts';

export { SlotsExhaustedError } from '../../engine/cache/errors.ts';
export type { Engine, EngineStatus } from '../../engine/engine.ts';
export { ModelFilesError, ModelTooLargeError } from '../../engine/model/errors.ts';
export type { ModelSource } from '../../engine/model/model-source.ts';
export { EngineBrokenError, HeapExhaustedError, OrtError } from '../../engine/runtime/errors.ts';
export { Tokenizer } from '../../tokenizer/tokenizer.ts';
export { assetsSource, bucketSource } from '../../worker/isolate/sources.ts';

export interface LoadEngineOptions extends PlanOptions {
  /** Maximum of the WebAssembly heap. Default: 4,000 MiB in Node, and what an isolate has room for in workerd. */
  readonly maximumBytes?: number;
  readonly signal?: AbortSignal;
}

/**
 * Loads a converted model into a heap of its own.
 * @param model its folder, in Node only, or a source of its files
 * @throws ModelFilesError, ModelTooLargeError, HeapExhaustedError, OrtError; nothing is held after any of them
 * @example
 * ```ts
 * import { decodeAll } from 'edgebeam/decoding';
 * import { loadEngine, Tokenizer } from 'edgebeam/engine';
 *
 * const engine = await loadEngine('models/gpt2');
 * const tokenizer = Tokenizer.read(engine.tokenizerFile);
 * const prompt = tokenizer.encode('Once upon a time');
 * const { sequences } = await decodeAll(engine, prompt, { max_new_tokens: 20, num_beams: 4 });
 * ```
 */
export type LoadEngine = (model: string | ModelSource, options?: LoadEngineOptions) => Promise<Engine>;
