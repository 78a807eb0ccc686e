/**
 * The part of onnxruntime-web's Emscripten glue that the engine uses. Pointers are byte addresses in the
 * heap.
 */
declare module 'onnxruntime-web/ort-wasm-simd-threaded.mjs' {
  export interface OrtGlue {
    _OrtInit(threads: number, loggingLevel: number): number;
    _OrtGetLastError(code: number, message: number): number;
    _OrtCreateSessionOptions(
      graphOptimization: number,
      arena: number,
      memoryPattern: number,
      executionMode: number,
      profiling: number,
      profilePrefix: number,
      logId: number,
      logSeverity: number,
      logVerbosity: number,
      optimizedModelPath: number,
    ): number;
    _OrtReleaseSessionOptions(options: number): number;
    _OrtCreateSession(data: number, bytes: number, options: number): number;
    _OrtReleaseSession(session: number): number;
    _OrtCreateTensor(
      type: number,
      data: number,
      bytes: number,
      dims: number,
      rank: number,
      location: number,
    ): number;
    _OrtReleaseTensor(tensor: number): number;
    _OrtRun(
      session: number,
      inputNames: number,
      inputs: number,
      inputCount: number,
      outputNames: number,
      outputCount: number,
      outputs: number,
      runOptions: number,
    ): number;
    _malloc(bytes: number): number;
    _free(pointer: number): void;
    stackSave(): number;
    stackRestore(pointer: number): void;
    stackAlloc(bytes: number): number;
    getValue(pointer: number, type: '*'): number;
    UTF8ToString(pointer: number): string;
    stringToUTF8(text: string, pointer: number, bytes: number): void;
    lengthBytesUTF8(text: string): number;
  }

  export interface OrtGlueOptions {
    numThreads: 1;
    instantiateWasm(
      imports: WebAssembly.Imports,
      done: (instance: WebAssembly.Instance, module: WebAssembly.Module) => void,
    ): object;
  }

  export default function factory(options: OrtGlueOptions): Promise<OrtGlue>;
}
