/** @module Names of the models' files in `PeerModels.served`. Imports nothing: each peer's process has them. */
import type { GgufPrecision } from './gpt2-gguf.ts';

/** transformers.js's model folder. */
export const TRANSFORMERS_FOLDER = 'transformers';
/** Its graph, which ONNX Runtime runs as native code too. */
export const EXPORT_FILE = `${TRANSFORMERS_FOLDER}/onnx/model_quantized.onnx`;
export const GGUF_FILES: Readonly<Record<GgufPrecision, string>> = {
  Q4_0: 'model-q4_0.gguf',
  Q8_0: 'model-q8_0.gguf',
};
export const BEAM_SEARCH_FILE = 'beam-search.onnx';
