/**
 * @module Weights with an adapter merged into them. They are computed when they are read, some rows at a time, so
 * that memory holds one of them as from any checkpoint.
 */
import { checkValues, elementsOf, type StoredTensor } from '../interface/stored-tensor.ts';
import { addProduct, type Factors, type LowRank, readFactors, readWhole } from './low-rank.ts';

type Read = StoredTensor['read'];

/** @returns `base` with other values: `read` gives those of the whole rows that it is asked for. */
function derived(
  base: StoredTensor,
  readRows: (first: number, count: number) => Promise<Float32Array>,
): StoredTensor {
  const { file, name, dtype, shape, bytes, isFloat } = base;
  const tensor = { file, name, dtype, shape, bytes, isFloat };
  const width = shape.at(-1) ?? 1;
  const read: Read = async (first, count) => {
    const row = Math.floor(first / width);
    const end = Math.ceil((first + count) / width);
    const values = await readRows(row, end - row);
    const start = first - row * width;
    return checkValues(tensor, first, values.subarray(start, start + count));
  };
  return { ...tensor, read };
}

/**
 * @param base a weight of two dimensions, or three of which the first is 1.
 * @returns `base + scaling · B A`, with the magnitudes of DoRA if the adapter has them.
 */
export function mergeLowRank(base: StoredTensor, change: LowRank): StoredTensor {
  const width = base.shape.at(-1) ?? 1;
  const rows = elementsOf(base.shape) / width;
  let factors: Promise<Factors> | undefined;
  const readSum = async (first: number, count: number) => {
    // Until the last rows have been read, so that the matrices of one layer are in memory at a time.
    factors ??= readFactors(change);
    const values = (await base.read(first * width, count * width)).slice();
    addProduct(values, first, await factors);
    if (first + count === rows) factors = undefined;
    return values;
  };
  const { magnitude, layer } = change;
  if (!magnitude) return derived(base, readSum);
  const scaleRows = layer === 'linear' ? byRow(magnitude) : byColumn(magnitude, readSum, rows, width);
  return derived(base, async (first, count) => {
    const values = await readSum(first, count);
    await scaleRows(values, first, width);
    return values;
  });
}

type ScaleRows = (values: Float32Array, firstRow: number, width: number) => Promise<void>;

/** DoRA of a Linear: each row gets its magnitude as its length. */
function byRow(magnitude: StoredTensor): ScaleRows {
  return async (values, firstRow, width) => {
    const magnitudes = await magnitude.read(firstRow, values.length / width);
    for (const [i, length] of magnitudes.entries()) {
      const row = values.subarray(i * width, (i + 1) * width);
      const sum = row.reduce((total, value) => total + value * value, 0);
      scale(row, length, sum);
    }
  };
}

function scale(row: Float32Array, magnitude: number, sumOfSquares: number): void {
  const factor = Math.fround(magnitude / Math.fround(Math.sqrt(sumOfSquares)));
  for (let j = 0; j < row.length; j++) row[j] = (row[j] as number) * factor;
}

/** Elements to read at a time for the lengths of columns. */
const BLOCK_ELEMENTS = 1 << 20;

/** DoRA of a Conv1D or an embedding: each column gets its magnitude as its length, over all rows. */
function byColumn(magnitude: StoredTensor, readSum: Read, rows: number, width: number): ScaleRows {
  let factors: Promise<Float32Array> | undefined;
  const readColumnFactors = async () => {
    const sums = new Float64Array(width);
    const blockRows = Math.max(1, Math.floor(BLOCK_ELEMENTS / width));
    for (let first = 0; first < rows; first += blockRows) {
      const values = await readSum(first, Math.min(blockRows, rows - first));
      for (const [i, value] of values.entries())
        sums[i % width] = (sums[i % width] as number) + value * value;
    }
    const magnitudes = await readWhole(magnitude);
    return magnitudes.map((length, j) => Math.fround(length / Math.fround(Math.sqrt(sums[j] as number))));
  };
  return async (values) => {
    factors ??= readColumnFactors();
    const byColumns = await factors;
    for (let i = 0; i < values.length; i++) {
      values[i] = (values[i] as number) * (byColumns[i % width] as number);
    }
  };
}

/** @returns a bias with `scaling` times that of the adapter's second matrix. */
export function mergeBias(base: StoredTensor, bias: StoredTensor, scaling: number): StoredTensor {
  return derived(base, async (first, count) => {
    const width = base.shape.at(-1) ?? 1;
    const values = (await base.read(first * width, count * width)).slice();
    const added = await bias.read(first * width, count * width);
    const factor = Math.fround(scaling);
    for (let i = 0; i < values.length; i++) {
      values[i] = (values[i] as number) + Math.fround((added[i] as number) * factor);
    }
    return values;
  });
}

/** @returns `base` with the rows `ids` of another tensor, `[ids.length, columns]`. */
export function replaceRows(base: StoredTensor, ids: readonly number[], rows: StoredTensor): StoredTensor {
  const width = base.shape.at(-1) ?? 1;
  return derived(base, async (first, count) => {
    const values = (await base.read(first * width, count * width)).slice();
    for (const [i, id] of ids.entries()) {
      if (id < first || id >= first + count) continue;
      values.set(await rows.read(i * width, width), (id - first) * width);
    }
    return values;
  });
}

/** @returns the values of `other` under the name of `base`. */
export function replaceWhole(base: StoredTensor, other: StoredTensor, name = base.name): StoredTensor {
  const { file, dtype, shape, bytes, isFloat } = other;
  return { file, name, dtype, shape, bytes, isFloat, read: (first, count) => other.read(first, count) };
}
