/**
 * @module Types of the peers' interfaces, as far as this benchmark uses them: `npm run check` must work
 * without bench/peers/native/node_modules, which only a run of the benchmark installs.
 */

declare module 'node-llama-cpp' {
  export interface LlamaContextSequence {
    evaluate(
      tokens: readonly number[],
      options: {
        readonly temperature?: number;
        readonly yieldEogToken?: boolean;
        readonly _noSampling?: boolean;
      },
    ): AsyncGenerator<number>;
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
