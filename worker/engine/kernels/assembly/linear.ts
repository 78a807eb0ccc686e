/** The kernels that multiply quantized weights: one module, built with relaxed SIMD and without. */
export { product } from './product';
export { embed, readOut } from './read-out';
