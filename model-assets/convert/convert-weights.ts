/** @module Converts the tensors of a checkpoint into the weight stream, one at a time. */
import type { CalibrationTokens } from '../calibrate/calibration-pass.ts';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { elementsOf, type StoredTensor } from '../checkpoint/interface/stored-tensor.ts';
import { transpose } from '../checkpoint/interface/transpose.ts';
import { type Manifest, type Precision, storedVocabSize, type TensorEntry } from '../format/manifest.ts';
import { GROUP, packInt4, packInt8, paddedRows } from '../format/packed.ts';
import { lmHeadWeight, type Parameter, parametersOf } from '../format/parameters.ts';
import { emptyErrorSums, quantizationReport } from '../quantize/error-sums.ts';
import { type QuantizedInt4, quantizeInt4 } from '../quantize/int4.ts';
import { quantizeColumns } from '../quantize/int8.ts';
import { type QuantizedLinear, quantizeBlocks } from './quantize-blocks.ts';
import { WeightStream } from './shards.ts';

/** Adds bytes of the checkpoint to the progress, with a label. */
export type AddProgress = (bytes: number, label: string) => void;

/**
 * Writes the weight stream of a checkpoint into the folder `dir`.
 *
 * @param calibration used for `int4` only.
 * @returns the manifest's fields about the stream.
 * @throws CheckpointError for a weight that is not finite.
 */
export async function convertWeights(
  checkpoint: Checkpoint,
  dir: string,
  precision: Precision,
  addProgress: AddProgress,
  calibration?: CalibrationTokens,
): Promise<Pick<Manifest, 'shards' | 'tensors' | 'quantization'>> {
  const stream = new WeightStream(dir);
  const quantization: Manifest['quantization'] = [];
  const convertParameter = parameterConverter(checkpoint, precision, calibration);
  try {
    for (const parameter of parametersOf(checkpoint.config)) {
      // nameTensors guarantees that every parameter exists.
      const tensor = checkpoint.parameters.get(parameter.name) as StoredTensor;
      const { tensors, report } = await convertParameter(tensor, parameter);
      for (const { data, ...entry } of tensors) await stream.write(entry, data);
      if (report) quantization.push(report);
      addProgress(tensor.bytes, parameter.name);
    }
    return { ...(await stream.finish()), quantization };
  } catch (error) {
    await stream.close();
    throw error;
  }
}

/** The tensors of one parameter: a quantized one has its scales as a second tensor. */
interface ConvertedParameter {
  readonly tensors: readonly (Omit<TensorEntry, 'offset'> & {
    readonly data: Float32Array | Int8Array | Uint8Array;
  })[];
  readonly report?: Manifest['quantization'][number];
}

type ConvertParameter = (tensor: StoredTensor, parameter: Parameter) => Promise<ConvertedParameter>;

function parameterConverter(
  checkpoint: Checkpoint,
  precision: Precision,
  calibration?: CalibrationTokens,
): ConvertParameter {
  const convertBlocks = precision === 'int4' ? int4Converter(checkpoint, calibration) : undefined;
  return async (tensor, parameter) => {
    if (parameter.name === lmHeadWeight(checkpoint.config)) {
      return precision === 'f32' ? transposeLmHead(tensor, parameter) : packTokens(tensor, parameter);
    }
    if (parameter.name === 'wte.weight' && precision === 'int8') return packTokens(tensor, parameter);
    if (parameter.name === 'wte.weight' && precision === 'int4') return packTokensInt4(tensor, parameter);
    const { name, kind, shape } = parameter;
    return (
      (await convertBlocks?.(parameter)) ??
      convertMatrix(name, await tensor.read(0, elementsOf(shape)), shape, precision, kind)
    );
  };
}

function convertMatrix(
  name: string,
  values: Float32Array,
  shape: readonly number[],
  precision: Precision,
  kind: Parameter['kind'],
): ConvertedParameter {
  if (precision !== 'int8' || kind !== 'linear') return { tensors: [floats(name, values, shape)] };
  const sums = emptyErrorSums();
  const [nIn = 0, nOut = 0] = shape;
  const { codes, scales } = quantizeColumns(values, nOut, sums);
  const data = packInt8(transpose(codes, nOut), nIn, nOut);
  return {
    tensors: [{ name, dtype: 'int8', shape: [nIn, nOut], data }, floats(`${name}_scale`, scales, [nOut])],
    report: quantizationReport(name, sums),
  };
}

/**
 * Converts the linear layers of the blocks, in the order of the weight stream. A weight precedes its bias,
 * which quantization corrects.
 *
 * @returns a converter that returns undefined for any other parameter.
 */
function int4Converter(checkpoint: Checkpoint, calibration?: CalibrationTokens) {
  const blocks = quantizeBlocks(checkpoint, calibration);
  let current: QuantizedLinear | undefined;
  return async ({ name, kind, shape }: Parameter): Promise<ConvertedParameter | undefined> => {
    if (kind === 'linear') {
      current = (await blocks.next()).value ?? undefined;
      if (name !== `${current?.name}.weight`)
        throw new RangeError(`Expected ${name}, found ${current?.name}`);
      return current && { tensors: int4(name, current.weight, shape), report: current.report };
    }
    return name === `${current?.name}.bias` && current
      ? { tensors: [floats(name, current.bias, shape)] }
      : undefined;
  };
}

const floats = (name: string, data: Float32Array, [...shape]: readonly number[]) => ({
  name,
  dtype: 'float32' as const,
  shape,
  data,
});

function int4(
  name: string,
  { codes, multipliers, scales }: QuantizedInt4,
  shape: readonly number[],
): ConvertedParameter['tensors'] {
  const [nIn = 0, nOut = 0] = shape;
  return [
    {
      name,
      dtype: 'int4',
      shape: [nIn, nOut],
      data: packInt4(codes.subarray(0, nIn * nOut), multipliers, nIn, nOut),
    },
    floats(`${name}_scale`, scales, [nOut]),
  ];
}

/**
 * The matrix of the lm_head `[vocab_size, n_embd]` → `[n_embd, storedVocabSize]`, in blocks: GPT-2 XL's takes 320 MB in
 * float32.
 */
async function transposeLmHead(
  tensor: StoredTensor,
  { name, shape: [vocabSize = 0, width = 0] }: Parameter,
): Promise<ConvertedParameter> {
  const columns = storedVocabSize({ vocab_size: vocabSize });
  const values = new Float32Array(columns * width);
  for (const { first, count } of blocksOf(vocabSize, width)) {
    const block = transpose(await tensor.read(first * width, count * width), width);
    for (let row = 0; row < width; row++) {
      values.set(block.subarray(row * count, (row + 1) * count), row * columns + first);
    }
  }
  return { tensors: [floats(name, values, [width, columns])] };
}

/** An embedding or lm_head `[vocab_size, n_embd]` → `int8_tokens`, with a scale per token. */
async function packTokens(
  tensor: StoredTensor,
  { name, shape: [vocabSize = 0, width = 0] }: Parameter,
): Promise<ConvertedParameter> {
  const sums = emptyErrorSums();
  const codes = new Int8Array(vocabSize * width);
  const scales = new Float32Array(vocabSize);
  for (const { first, count } of blocksOf(vocabSize, width)) {
    const block = transpose(await tensor.read(first * width, count * width), width);
    const quantized = quantizeColumns(block, count, sums);
    scales.set(quantized.scales, first);
    codes.set(transpose(quantized.codes, count), first * width);
  }
  const data = packInt8(codes, width, vocabSize);
  return {
    tensors: [
      { name, dtype: 'int8_tokens', shape: [vocabSize, width], data },
      floats(`${name}_scale`, scales, [vocabSize]),
    ],
    report: quantizationReport(name, sums),
  };
}

/** An embedding `[vocab_size, n_embd]` → `int4` `[n_embd, vocab_size]`, rounded to nearest, with a scale per token. */
async function packTokensInt4(
  tensor: StoredTensor,
  { name, shape: [vocabSize = 0, width = 0] }: Parameter,
): Promise<ConvertedParameter> {
  const sums = emptyErrorSums();
  const groups = paddedRows(width) / GROUP;
  const codes = new Uint8Array(width * vocabSize);
  const multipliers = new Uint8Array(groups * vocabSize);
  const scales = new Float32Array(vocabSize);
  for (const { first, count } of blocksOf(vocabSize, width)) {
    const block = transpose(await tensor.read(first * width, count * width), width);
    const quantized = quantizeInt4(block, count, sums);
    scales.set(quantized.scales, first);
    const copyRows = (from: Uint8Array, to: Uint8Array, rows: number) => {
      for (let row = 0; row < rows; row++) {
        to.set(from.subarray(row * count, (row + 1) * count), row * vocabSize + first);
      }
    };
    copyRows(quantized.codes, codes, width);
    copyRows(quantized.multipliers, multipliers, groups);
  }
  return {
    tensors: int4(name, { codes, multipliers, scales }, [width, vocabSize]),
    report: quantizationReport(name, sums),
  };
}

/** Elements to read at once from a large tensor. */
const BLOCK_ELEMENTS = 1 << 20;

function* blocksOf(rows: number, columns: number) {
  const blockRows = Math.max(1, Math.floor(BLOCK_ELEMENTS / columns));
  for (let first = 0; first < rows; first += blockRows) {
    yield { first, count: Math.min(blockRows, rows - first) };
  }
}
