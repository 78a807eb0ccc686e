/** Entry of the module for quantized weights, which is built with relaxed SIMD and without. */
export { matmul } from './matmul';
export { embed, lmHead } from './lm-head';
