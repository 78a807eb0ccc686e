/** @module What every format of weight files gives to the converter: tensors that are read as float32. */
import { CheckpointError } from './errors.ts';

/** The largest F16. A weight of this size was probably clamped when the checkpoint was saved. */
export const F16_MAX = 65_504;

/** A tensor of a weight file. */
export interface StoredTensor {
  readonly file: WeightFile;
  /** As in the file. */
  readonly name: string;
  /** The storage type under safetensors' name: `F32`. Of formats with others, under theirs: `Q8_0`. */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** The size of its elements in the file, the measure of progress. */
  readonly bytes: number;
  /** Whether the type is one of weights: `read` is for these only. Buffers may be of other types. */
  readonly isFloat: boolean;
  /**
   * Reads `count` elements from `first`, in the row-major order of `shape`.
   *
   * @throws CheckpointError for a NaN or an infinity; the message names the tensor and the element.
   */
  read(first: number, count: number): Promise<Float32Array>;
}

/** An open file of weights, or several that are one in their format. */
export interface WeightFile {
  /** Base name. */
  readonly name: string;
  /** File size. */
  readonly bytes: number;
  readonly tensors: readonly StoredTensor[];
  /** Names of the tensors in which `read` has found {@link F16_MAX} or more. */
  readonly saturated: Set<string>;
  close(): Promise<void>;
}

/** The weights of a checkpoint: one file or its shards. */
export interface Weights {
  /** The file that lists the tensors. */
  readonly label: string;
  readonly files: readonly WeightFile[];
  /** Paths of the files, preceded by that of their index. */
  readonly paths: readonly string[];
  readonly tensors: readonly StoredTensor[];
}

/** @returns the number of elements of a shape. */
export const elementsOf = (shape: readonly number[]): number =>
  shape.reduce((product, size) => product * size, 1);

/**
 * Checks values that were read from `first` of a tensor, and notes the tensor if they reach F16's limit.
 *
 * @returns `values`.
 * @throws CheckpointError for a NaN or an infinity.
 */
export function checkValues(
  { file, name }: Pick<StoredTensor, 'name'> & { readonly file: Pick<WeightFile, 'name' | 'saturated'> },
  first: number,
  values: Float32Array,
): Float32Array {
  const i = findNonFinite(values);
  if (i >= 0) {
    throw new CheckpointError(
      `${file.name}: ${name} has a weight that is not finite: ${values[i]} at element ${first + i}`,
    );
  }
  if (values.some((value) => Math.abs(value) >= F16_MAX)) file.saturated.add(name);
  return values;
}

/** @returns the index of the first NaN or infinity, -1 if there is none. */
function findNonFinite(values: Float32Array): number {
  // NaN and infinity times zero are NaN, and a sum with a NaN is NaN: a cheap check for the usual case.
  let probe = 0;
  for (let i = 0; i < values.length; i++) probe += (values[i] as number) * 0;
  return probe === 0 ? -1 : values.findIndex((value) => !Number.isFinite(value));
}
