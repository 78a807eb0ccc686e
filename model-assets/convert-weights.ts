/**
 * @module The tensors of a checkpoint → the weight stream, one at a time.
 */
import { inspect } from 'node:util';
import type { Checkpoint } from './checkpoint/checkpoint.ts';
import { CheckpointError } from './checkpoint/errors.ts';
import { type Parameter, parametersOf } from './checkpoint/parameters.ts';
import { readFloats, type StoredTensor } from './checkpoint/safetensors.ts';
import { type Manifest, type Precision, storedVocabSize } from './manifest.ts';
import { noErrors, quantizationReport, quantizeColumns } from './quantize.ts';
import { WeightStream } from './shards.ts';

/** Told of bytes of the checkpoint that are done, and of what. */
export type Advance = (bytes: number, label: string) => void;

/**
 * Writes the weight stream of a checkpoint into the folder `dir`.
 *
 * @returns the manifest's parts about it.
 * @throws CheckpointError for a weight that is not finite, or an output layer that is not the embedding.
 */
export async function convertWeights(
  checkpoint: Checkpoint,
  dir: string,
  precision: Precision,
  advance: Advance,
): Promise<Pick<Manifest, 'shards' | 'tensors' | 'quantization'>> {
  await checkTied(checkpoint, advance);
  const stream = new WeightStream(dir);
  const quantization: Manifest['quantization'] = [];
  try {
    for (const parameter of parametersOf(checkpoint.config)) {
      // nameTensors has found every parameter.
      const tensor = checkpoint.parameters.get(parameter.name) as StoredTensor;
      const convertTensor = parameter.name === 'wte.weight' ? transposeEmbedding : readParameter;
      const { values, scales, report, shape } = await convertTensor(tensor, parameter, precision);
      const dtype = scales ? 'int8' : 'float32';
      await stream.write({ name: parameter.name, dtype, shape }, values);
      if (scales) {
        await stream.write(
          { name: `${parameter.name}_scale`, dtype: 'float32', shape: [scales.length] },
          scales,
        );
      }
      if (report) quantization.push(report);
      advance(tensor.bytes, parameter.name);
    }
    return { ...(await stream.finish()), quantization };
  } catch (error) {
    await stream.abandon();
    throw error;
  }
}

interface ConvertedTensor {
  readonly shape: number[];
  readonly values: Float32Array | Int8Array;
  /** One for each column, of an int8 tensor. */
  readonly scales?: Float32Array;
  readonly report?: Manifest['quantization'][number];
}

async function readParameter(
  tensor: StoredTensor,
  { name, kind, shape: [...shape] }: Parameter,
  precision: Precision,
): Promise<ConvertedTensor> {
  const values = await readFloats(tensor, 0, elementsOf(shape));
  if (precision === 'f32' || kind !== 'linear') return { shape, values };
  const sums = noErrors();
  const { codes, scales } = quantizeColumns(values, shape[1] as number, sums);
  return { shape, values: codes, scales, report: quantizationReport(name, sums) };
}

/** `wte` `[vocab_size, n_embd]` → `[n_embd, storedVocabSize]`, by blocks of tokens: in GPT-2 XL it is 320 MB of float32. */
async function transposeEmbedding(
  tensor: StoredTensor,
  { name, shape: [vocabSize = 0, width = 0] }: Parameter,
  precision: Precision,
): Promise<ConvertedTensor> {
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
  return precision === 'int8'
    ? { shape, values, scales, report: quantizationReport(name, sums) }
    : { shape, values };
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
