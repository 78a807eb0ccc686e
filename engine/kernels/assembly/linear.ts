/** The kernels that multiply quantized weights: one module, built with relaxed SIMD and without. */
export { matmul } from './matmul';
export { embed, lmHead } from './lm-head';
