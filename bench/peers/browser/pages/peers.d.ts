/**
 * @module Types of the peers' interfaces, as far as this benchmark uses them: `npm run check` must work
 * without bench/peers/browser/node_modules, which only a run of the benchmark installs.
 */

declare module '@huggingface/transformers' {
  export class Tensor {
    readonly data: ArrayLike<number | bigint>;
    constructor(type: 'int64', data: BigInt64Array, dims: number[]);
  }
  export abstract class BaseStreamer {
    abstract put(value: bigint[][]): void;
    abstract end(): void;
  }
  export interface PreTrainedModel {
    generate(options: Record<string, unknown>): Promise<Tensor>;
    forward(inputs: Record<string, unknown>): Promise<Record<string, Tensor>>;
  }
  export const AutoModelForCausalLM: {
    from_pretrained(name: string, options: { dtype: string; device: string }): Promise<PreTrainedModel>;
  };
  export const env: {
    allowRemoteModels: boolean;
    allowLocalModels: boolean;
    localModelPath: string;
    readonly backends: {
      readonly onnx: {
        readonly wasm: {
          wasmPaths: { readonly mjs: string; readonly wasm: string };
          numThreads: number;
          proxy: boolean;
        };
      };
    };
  };
}

declare module '@wllama/wllama' {
  export interface CompletionChunk {
    readonly choices: readonly { readonly text: string }[];
    readonly usage?: { readonly prompt_tokens: number } | null;
    readonly timings?: { readonly predicted_per_token_ms: number };
  }
  export class Wllama {
    constructor(paths: { readonly default: string }, config: { readonly suppressNativeLog: boolean });
    loadModelFromUrl(url: string, options: Record<string, number>): Promise<void>;
    createCompletion(options: Record<string, unknown>): Promise<AsyncIterable<CompletionChunk>>;
  }
}

declare module '*?url' {
  const url: string;
  export default url;
}
