/**
 * @module The tensors of a checkpoint → the weight stream, one at a time.
 */
import { inspect } from 'node:util';
import type { CalibrationTokens } from '../calibrate/walk.ts';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { CheckpointError } from '../checkpoint/errors.ts';
import { type Parameter, parametersOf } from '../checkpoint/parameters.ts';
import { readFloats, type StoredTensor } from '../checkpoint/safetensors.ts';
import { type Manifest, type Precision, storedVocabSize, type TensorEntry } from '../format/manifest.ts';
import { packInt4, packTokens } from '../format/pack.ts';
import { type QuantizedLinear, quantizeBlocks } from './quantize-blocks.ts';
import type { QuantizedInt4 } from '../quantize/int4.ts';
import { noErrors, quantizationReport, quantizeColumns } from '../quantize/int8.ts';
import { WeightStream } from './shards.ts';

/** Told of bytes of the checkpoint that are done, and of what. */
export type Advance = (bytes: number, label: string) => void;

/**
 * Writes the weight stream of a checkpoint into the folder `dir`.
 *
 * @param calibration what the 4-bit weights of `int4` are chosen by.
 * @returns the manifest's parts about it.
 * @throws CheckpointError for a weight that is not finite, or an output layer that is not the embedding.
 */
export async function convertWeights(
  checkpoint: Checkpoint,
  dir: string,
  precision: Precision,
  advance: Advance,
  calibration?: CalibrationTokens,
): Promise<Pick<Manifest, 'shards' | 'tensors' | 'quantization'>> {
  await checkTied(checkpoint, advance);
  const stream = new WeightStream(dir);
  const quantization: Manifest['quantization'] = [];
  const convertParameter = parameterConverter(checkpoint, precision, calibration);
  try {
    for (const parameter of parametersOf(checkpoint.config)) {
      // nameTensors has found every parameter.
      const tensor = checkpoint.parameters.get(parameter.name) as StoredTensor;
      const { tensors, report } = await convertParameter(tensor, parameter);
      for (const { data, ...entry } of tensors) await stream.write(entry, data);
      if (report) quantization.push(report);
      advance(tensor.bytes, parameter.name);
    }
    return { ...(await stream.finish()), quantization };
  } catch (error) {
    await stream.abandon();
    throw error;
  }
}

/** What a parameter becomes: one tensor, or several when it is quantized. */
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
    if (parameter.name === 'wte.weight') {
      return precision === 'int4'
        ? packEmbedding(tensor, parameter)
        : transposeEmbedding(tensor, parameter, precision);
    }
    const { name, kind, shape } = parameter;
    return (
      (await convertBlocks?.(parameter)) ??
      convertMatrix(name, await readFloats(tensor, 0, elementsOf(shape)), shape, precision, kind)
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
  const sums = noErrors();
  const { codes, scales } = quantizeColumns(values, shape[1] as number, sums);
  return { tensors: int8(name, codes, scales, shape), report: quantizationReport(name, sums) };
}

/**
 * Converts the linear layers of the blocks, which come in the order of the weight stream: a weight, then its bias, which
 * quantizing the weight changes.
 *
 * @returns nothing for another parameter.
 */
function int4Converter(checkpoint: Checkpoint, calibration?: CalibrationTokens) {
  const blocks = quantizeBlocks(checkpoint, calibration);
  let last: QuantizedLinear | undefined;
  return async ({ name, kind, shape }: Parameter): Promise<ConvertedParameter | undefined> => {
    if (kind === 'linear') {
      last = (await blocks.next()).value ?? undefined;
      if (name !== `${last?.name}.weight`) throw new RangeError(`Expected ${name}, found ${last?.name}`);
      return last && { tensors: int4(name, last.weight, shape), report: last.report };
    }
    return name === `${last?.name}.bias` && last ? { tensors: [floats(name, last.bias, shape)] } : undefined;
  };
}

const floats = (name: string, data: Float32Array, [...shape]: readonly number[]) => ({
  name,
  dtype: 'float32' as const,
  shape,
  data,
});

const int8 = (name: string, data: Int8Array, scales: Float32Array, [...shape]: readonly number[]) => [
  { name, dtype: 'int8' as const, shape, data },
  floats(`${name}_scale`, scales, [scales.length]),
];

/** 4-bit weights, as the kernel reads them. */
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

/** `wte` `[vocab_size, n_embd]` → `[n_embd, storedVocabSize]`, by blocks of tokens: in GPT-2 XL it is 320 MB of float32. */
async function transposeEmbedding(
  tensor: StoredTensor,
  { name, shape: [vocabSize = 0, width = 0] }: Parameter,
  precision: 'int8' | 'f32',
): Promise<ConvertedParameter> {
  const columns = storedVocabSize({ vocab_size: vocabSize });
  const shape = [width, columns];
  const sums = noErrors();
  const scales = new Float32Array(columns).fill(1);
  const values = precision === 'int8' ? new Int8Array(columns * width) : new Float32Array(columns * width);
  for (const { first, count } of blocksOf(vocabSize, width)) {
    let block: Float32Array | Int8Array = transpose(
      await readFloats(tensor, first * width, count * width),
      width,
    );
    if (precision === 'int8') {
      const quantized = quantizeColumns(block as Float32Array, count, sums);
      scales.set(quantized.scales, first);
      block = quantized.codes;
    }
    for (let row = 0; row < width; row++) {
      values.set(block.subarray(row * count, (row + 1) * count), row * columns + first);
    }
  }
  return values instanceof Int8Array
    ? { tensors: int8(name, values, scales, shape), report: quantizationReport(name, sums) }
    : { tensors: [floats(name, values, shape)] };
}

/** `wte` `[vocab_size, n_embd]` in tiles of tokens, with a scale for each: what the kernels for both ends read. */
async function packEmbedding(
  tensor: StoredTensor,
  { name, shape: [vocabSize = 0, width = 0] }: Parameter,
): Promise<ConvertedParameter> {
  const sums = noErrors();
  const codes = new Int8Array(vocabSize * width);
  const scales = new Float32Array(vocabSize);
  for (const { first, count } of blocksOf(vocabSize, width)) {
    const block = transpose(await readFloats(tensor, first * width, count * width), width);
    const quantized = quantizeColumns(block, count, sums);
    scales.set(quantized.scales, first);
    for (let token = 0; token < count; token++) {
      for (let i = 0; i < width; i++) {
        codes[(first + token) * width + i] = quantized.codes[i * count + token] as number;
      }
    }
  }
  const data = packTokens(codes, vocabSize, width);
  return {
    tensors: [
      { name, dtype: 'int8_tokens', shape: [vocabSize, width], data },
      floats(`${name}_scale`, scales, [vocabSize]),
    ],
    report: quantizationReport(name, sums),
  };
}

/** @returns `values` `[rows, columns]` as `[columns, rows]`. */
function transpose(values: Float32Array, columns: number): Float32Array {
  const rows = values.length / columns;
  const transposed = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      transposed[column * rows + row] = values[row * columns + column] as number;
    }
  }
  return transposed;
}

/** Elements of a block that is read at once where a tensor is read in blocks. */
const BLOCK_ELEMENTS = 1 << 20;

function* blocksOf(rows: number, columns: number) {
  const most = Math.max(1, Math.floor(BLOCK_ELEMENTS / columns));
  for (let first = 0; first < rows; first += most) yield { first, count: Math.min(most, rows - first) };
}

const elementsOf = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);

/** The output layer of a checkpoint may be stored once more, but must be `wte.weight`, bit for bit as float32. */
async function checkTied({ lmHead, parameters, config }: Checkpoint, advance: Advance): Promise<void> {
  if (!lmHead) return;
  const wte = parameters.get('wte.weight') as StoredTensor;
  const width = config.n_embd;
  for (const { first, count } of blocksOf(config.vocab_size, width)) {
    const a = await readFloats(wte, first * width, count * width);
    const b = await readFloats(lmHead, first * width, count * width);
    const differs = a.findIndex((value, i) => !Object.is(value, b[i]));
    if (differs >= 0) {
      const element = [first + Math.floor(differs / width), differs % width];
      throw new CheckpointError(
        `${lmHead.name} differs from ${wte.name} at [${element}], expected ${inspect(a[differs])}, found ${inspect(b[differs])}: one matrix serves as embedding and output layer`,
      );
    }
  }
  advance(lmHead.bytes, lmHead.name);
}
