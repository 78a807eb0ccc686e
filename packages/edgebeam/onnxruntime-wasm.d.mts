export function onnxruntimeWasm(): Uint8Array<ArrayBuffer>;
export function writeOnnxruntimeWasm(): void;
export function ensureOnnxruntimeWasm(): void;
export function withUnsharedMemory(wasm: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>;
