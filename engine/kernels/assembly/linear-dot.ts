/**
 * Entry of the module for quantized weights with the dot product instruction.
 * AssemblyScript exports no generic functions: each entry instantiates them for its form.
 */
import { geluQuantizedOf } from './gelu';
import { matmulInt4Of } from './matmul-int4';
import { matmulInt8Of } from './matmul-int8';
import { quantizeRowsOf } from './quantize-rows';

export { embed, embedInt4 } from './embed';
export { norm, residualNorm } from './norm';
export { setReadAhead } from './read-ahead';
export { probeDotAdd } from './dot';

export function quantizeRows(x: usize, rows: i32, n: usize, quantized: usize): void {
  quantizeRowsOf<i32>(x, rows, n, quantized);
}

export function geluQuantized(x: usize, rows: i32, n: usize, quantized: usize): void {
  geluQuantizedOf<i32>(x, rows, n, quantized);
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
  matmulInt4Of<i32>(quantized, rows, inputs, outputs, weights, columnScales, bias, y);
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
  matmulInt8Of<i32>(quantized, rows, inputs, outputs, weights, columnScales, bias, y);
}
