/**
 * @module Types of the peers' interfaces, as far as this benchmark uses them: `npm run check` must work
 * without bench/peers/native/node_modules, which only a run of the benchmark installs.
 */

declare module 'node-llama-cpp' {
  export interface EvaluateOptions {
    readonly temperature?: number;
    readonly topK?: number;
    readonly topP?: number;
    readonly seed?: number;
    readonly xtc?: { readonly probability: number; readonly threshold: number };
    readonly repeatPenalty?: false;
    readonly dryRepeatPenalty?: {
      readonly strength: number;
      readonly base: number;
      readonly allowedLength: number;
      readonly lastTokens: number;
      readonly sequenceBreakers: readonly string[];
    };
    readonly tokenBias?: () => TokenBias;
    readonly yieldEogToken?: boolean;
    readonly _noSampling?: boolean;
  }
  export class TokenBias {
    static for(model: LlamaModel): TokenBias;
    set(token: number, bias: { readonly logit: number }): this;
  }
  export interface LlamaContextSequence {
    evaluate(tokens: readonly number[], options: EvaluateOptions): AsyncGenerator<number>;
    evaluateWithMetadata(
      tokens: readonly number[],
      metadata: { readonly probabilities: true },
      options: EvaluateOptions,
    ): AsyncGenerator<{ readonly token: number; readonly probabilities: ReadonlyMap<number, number> }>;
    evaluateWithoutGeneratingNewTokens(tokens: readonly number[]): Promise<void>;
    eraseContextTokenRanges(
      ranges: readonly { readonly start: number; readonly end: number }[],
    ): Promise<void>;
    clearHistory(): Promise<void>;
  }
  export interface LlamaContext {
    getSequence(): LlamaContextSequence;
    dispose(): Promise<void>;
  }
  export interface LlamaModel {
    createContext(options: {
      readonly contextSize: number;
      readonly batchSize: number;
      readonly sequences: number;
      readonly threads: number;
      readonly flashAttention?: boolean;
      readonly experimentalKvCacheKeyType?: 'F32';
      readonly experimentalKvCacheValueType?: 'F32';
    }): Promise<LlamaContext>;
  }
  export interface Llama {
    loadModel(options: { readonly modelPath: string }): Promise<LlamaModel>;
  }
  export function getLlama(options: {
    readonly gpu: false;
    readonly build: 'never';
    readonly maxThreads: number;
    readonly logLevel: 'error';
    readonly progressLogs: false;
  }): Promise<Llama>;
}

declare module 'onnxruntime-node' {
  export { InferenceSession, Tensor } from 'onnxruntime-web/wasm';
}
