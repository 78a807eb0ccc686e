/**
 * @module Some logits of a row, and the normalizer of all of them: what a search over few continuations needs. Whole rows
 * of a vocabulary are the widest that a model writes; here only a block of columns exists at a time, for all rows of a
 * pass, so that it stays in the processor's cache and the weights are read once for all rows.
 */
import type { Gather, LogitsReader } from '../../decoding/interface/logits-row.ts';
import { int8Bytes } from '../../model-assets/format/packed.ts';
import type { LinearKernels } from '../kernels/linear.ts';
import type { LogitsKernel } from '../kernels/logits.ts';
import type { Heap } from '../runtime/heap.ts';
import type { GatheredRow } from './network.ts';

/**
 * Columns of a block, a multiple of a tile's: 64 rows of them are 256 kB. Always the same, because a normalizer is summed
 * block by block: its bits must not depend on the other rows.
 */
const BLOCK_COLUMNS = 1024;
const FLOAT_BYTES = 4;
const NORMALIZER_BYTES = 16;

/** Addresses are bytes in the heap. */
interface GatherParts {
  readonly heap: Pick<Heap, 'floats' | 'doubles'>;
  readonly kernels: Pick<LinearKernels, 'quantizeRows' | 'matmulInt8'> &
    Pick<LogitsKernel, 'addToNormalizer'>;
  readonly inputs: number;
  /** Tokens of the vocabulary. */
  readonly columns: number;
  /** The rows of the pass, `[rows, inputs]`. */
  readonly x: number;
  /** The lm_head, as `packInt8` packs it, and its scales. */
  readonly weights: number;
  readonly scales: number;
  /** Of `fillExponentialTable`. */
  readonly table: number;
  /** Buffers: `[maxRows, inputs]` floats, the same quantized, `[maxLogits]` floats, `[maxRows, 2]` doubles. */
  readonly selected: number;
  readonly quantized: number;
  readonly logits: number;
  readonly normalizers: number;
  readonly maxRows: number;
  readonly maxLogits: number;
}

export function gatherRows(parts: GatherParts, rows: readonly GatheredRow[]): void {
  const columns = Math.min(BLOCK_COLUMNS, parts.columns);
  const atOnce = Math.min(parts.maxRows, Math.floor(parts.maxLogits / columns));
  for (let begin = 0; begin < rows.length; begin += atOnce)
    gatherSome(parts, rows.slice(begin, begin + atOnce));
}

function gatherSome(parts: GatherParts, rows: readonly GatheredRow[]): void {
  const { heap, kernels, inputs, columns, selected, quantized, logits } = parts;
  for (const [i, { index }] of rows.entries()) {
    const row = heap.floats(parts.x + index * inputs * FLOAT_BYTES, inputs);
    heap.floats(selected + i * inputs * FLOAT_BYTES, inputs).set(row);
  }
  kernels.quantizeRows(selected, rows.length, inputs, quantized);
  const normalizers = heap.doubles(parts.normalizers, 2 * rows.length);
  for (let i = 0; i < rows.length; i++) normalizers.set([Number.NEGATIVE_INFINITY, 0], 2 * i);
  const gathered = rows.map(({ gather }) => new Float32Array(gather.tokens.length));
  /** Tokens of each row that have been read. */
  const counts = new Uint32Array(rows.length);
  for (let first = 0; first < columns; first += BLOCK_COLUMNS) {
    const width = Math.min(BLOCK_COLUMNS, columns - first);
    const weights = parts.weights + int8Bytes(inputs, first);
    const scales = parts.scales + first * FLOAT_BYTES;
    kernels.matmulInt8(quantized, rows.length, inputs, width, weights, scales, 0, logits);
    for (const [i, { gather }] of rows.entries()) {
      const address = logits + i * width * FLOAT_BYTES;
      kernels.addToNormalizer(address, width, parts.normalizers + i * NORMALIZER_BYTES, parts.table);
      const block = heap.floats(address, width);
      counts[i] = readTokens(gather.tokens, counts[i] as number, block, first, gathered[i] as Float32Array);
    }
  }
  for (const [i, { gather }] of rows.entries()) {
    const [largest = Number.NaN, total = Number.NaN] = normalizers.subarray(2 * i, 2 * i + 2);
    gather.read({ logits: gathered[i] as Float32Array, largest, total });
  }
}

/** Reads the tokens of a block of columns. @returns the number of tokens read so far */
function readTokens(
  tokens: ArrayLike<number>,
  count: number,
  block: Float32Array,
  first: number,
  gathered: Float32Array,
): number {
  const end = first + block.length;
  let next = count;
  for (; next < tokens.length; next++) {
    const token = tokens[next] as number;
    if (token >= end) break;
    gathered[next] = block[token - first] as number;
  }
  return next;
}

/** Reads the tokens that `gather` asks for from a whole row, of a network that lends them. */
export function gatherFromRow({ tokens, read }: Gather): LogitsReader {
  return (row) => {
    const { values } = row;
    const logits = Float32Array.from(
      { length: tokens.length },
      (_, i) => values[tokens[i] as number] as number,
    );
    read({ ...row.normalizer(1), logits });
  };
}
