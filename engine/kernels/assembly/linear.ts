/**
 * Entry of the modules for quantized weights with products in pairs, built with relaxed SIMD and without.
 * AssemblyScript exports no generic functions: each entry instantiates them for its form.
 */
import { geluQuantizedOf } from './gelu';
import { matmulInt4Of } from './matmul-int4';
import { matmulInt8Of } from './matmul-int8';
import { quantizeRowsOf } from './quantize-rows';

export { embed, embedInt4 } from './embed';
export { norm, residualNorm } from './norm';
export { setReadAhead } from './read-ahead';

export function quantizeRows(x: usize, rows: i32, n: usize, quantized: usize): void {
  quantizeRowsOf<i16>(x, rows, n, quantized);
}

export function geluQuantized(x: usize, rows: i32, n: usize, quantized: usize): void {
  geluQuantizedOf<i16>(x, rows, n, quantized);
}

export function matmulInt4(
  quantized: usize,
  rows: i32,
  inputs: usize,
  outputs: usize,
  weights: usize,
  columnScales: usize,
  bias: usize,
  y: usize,
): void {
  matmulInt4Of<i16>(quantized, rows, inputs, outputs, weights, columnScales, bias, y);
}

export function matmulInt8(
  quantized: usize,
  rows: i32,
  inputs: usize,
  outputs: usize,
  weights: usize,
  columnScales: usize,
  bias: usize,
  y: usize,
): void {
  matmulInt8Of<i16>(quantized, rows, inputs, outputs, weights, columnScales, bias, y);
}
