export function onnxruntimeWasm(): Uint8Array<ArrayBuffer>;
export function withUnsharedMemory(wasm: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>;
