/** @module The GGUF file that the benchmark writes for llama.cpp: Q8_0 and Q4_0 blocks, and the file format. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type GgufPrecision, quantizeQ4, quantizeQ8, writeGpt2Gguf } from '../../../bench/peers/gpt2-gguf.ts';
import { openCheckpoint } from '../../../model-assets/checkpoint/checkpoint.ts';
import type { StoredTensor } from '../../../model-assets/checkpoint/interface/stored-tensor.ts';
import { DEFAULT_CHECKPOINT } from '../../../model-assets/ensure.ts';
import { temporaryFolder } from '../../support/checkpoints.ts';

const BLOCK = 32;
const BLOCK_BYTES: Record<GgufPrecision, number> = { Q8_0: 34, Q4_0: 18 };
/** `ggml_type` */
const PRECISIONS = new Map<number, GgufPrecision>([
  [2, 'Q4_0'],
  [8, 'Q8_0'],
]);

/** ggml's `dequantize_row_q8_0` and `dequantize_row_q4_0`. */
function dequantize(precision: GgufPrecision, bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const blockBytes = BLOCK_BYTES[precision];
  return Float32Array.from({ length: (bytes.length / blockBytes) * BLOCK }, (_, i) => {
    const block = Math.floor(i / BLOCK) * blockBytes;
    const scale = view.getFloat16(block, true);
    const j = i % BLOCK;
    if (precision === 'Q8_0') return scale * view.getInt8(block + 2 + j);
    const pair = view.getUint8(block + 2 + (j % 16));
    return scale * ((j < 16 ? pair & 15 : pair >> 4) - 8);
  });
}

test('Q8_0 changes each of 32 values by at most half a step of their block', () => {
  const values = Float32Array.from({ length: 64 }, (_, i) => Math.sin(i) * (i < 32 ? 1 : 100));
  const restored = dequantize('Q8_0', quantizeQ8(values));
  for (const [i, x] of values.entries()) {
    // Half of 1/127 of the largest value, plus the rounding of the scale to f16.
    expect(Math.abs((restored[i] as number) - x)).toBeLessThan(i < 32 ? 0.0045 : 0.45);
  }
});

test('Q8_0 maps the largest value to 127, rounds halves away from zero, and keeps zeros', () => {
  const values = new Float32Array(64);
  values.set([127, -127, 2.5, -2.5, 0.4]);
  const bytes = quantizeQ8(values);
  expect([...new Int8Array(bytes.buffer, 2, 6)]).toEqual([127, -127, 3, -3, 0, 0]);
  expect(bytes.subarray(BLOCK_BYTES.Q8_0).every((byte) => byte === 0)).toBe(true);
});

test('Q4_0 changes each of 32 values by at most a step of their block, and half of it for most', () => {
  const values = Float32Array.from({ length: 64 }, (_, i) => Math.sin(i) * (i < 32 ? 1 : 100));
  const restored = dequantize('Q4_0', quantizeQ4(values));
  const errors = [...values].map((x, i) => Math.abs((restored[i] as number) - x) * (i < 32 ? 8 : 0.08));
  // The code of the largest value is 0, so its negative would be 16, and is 15.
  expect(Math.max(...errors)).toBeLessThan(1.01);
  expect(errors.filter((error) => error < 0.51).length).toBeGreaterThan(56);
});

test('Q4_0 maps the largest magnitude to 0, and holds two values 16 apart in a byte', () => {
  const values = new Float32Array(64);
  values.set([-8, 8, 0.49, 0.51, -0.51]);
  values.set([7, 1], 16);
  const bytes = quantizeQ4(values);
  const view = new DataView(bytes.buffer);
  expect(view.getFloat16(0, true)).toBe(1);
  expect([...bytes.subarray(2, 8)]).toEqual([0xf0, 0x9f, 0x88, 0x89, 0x87, 0x88]);
  expect(dequantize('Q4_0', bytes.subarray(BLOCK_BYTES.Q4_0)).every((x) => x === 0)).toBe(true);
  expect(new DataView(quantizeQ4(values.map((x) => -x)).buffer).getFloat16(0, true)).toBe(-1);
});

test.each(['Q8_0', 'Q4_0'] as const)(
  'a file at %s stores each matrix at the offset of its header',
  async (precision) => {
    await using dir = await temporaryFolder();
    const path = join(dir.path, 'model.gguf');
    await writeGpt2Gguf(DEFAULT_CHECKPOINT, precision, path);
    const { metadata, tensors } = readGguf(await readFile(path));
    expect(metadata.get('general.architecture')).toBe('gpt2');
    expect(metadata.get('gpt2.attention.head_count')).toBe(4);
    expect(metadata.get('tokenizer.ggml.tokens')).toHaveLength(8192);
    expect(tensors.size).toBe(4 + 6 * 12);

    const checkpoint = await openCheckpoint(DEFAULT_CHECKPOINT);
    const read = (name: string, count: number) =>
      (checkpoint.parameters.get(name) as StoredTensor).read(0, count);
    const qkv = tensors.get('blk.5.attn_qkv.weight');
    expect(qkv?.dimensions).toEqual([256, 768]);
    expect(qkv?.precision).toBe(precision);
    expect(tensors.get('token_embd.weight')?.precision).toBe('Q8_0');
    // One row per output.
    const rows = dequantize(precision, qkv?.bytes ?? new Uint8Array());
    const weight = await read('h.5.attn.c_attn.weight', 256 * 768);
    const largest = weight.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    for (const [input, output] of [
      [0, 0],
      [255, 3],
      [7, 767],
    ] as const) {
      const error = (rows[output * 256 + input] as number) - (weight[input * 768 + output] as number);
      expect(Math.abs(error)).toBeLessThan(largest / (precision === 'Q8_0' ? 127 : 8));
    }
    const bias = tensors.get('output_norm.bias');
    expect(bias?.dimensions).toEqual([256]);
    expect([...new Float32Array(new Uint8Array(bias?.bytes ?? []).buffer)]).toEqual([
      ...(await read('ln_f.bias', 256)),
    ]);
    await checkpoint.close();
  },
);

/** Reads the part of the GGUF specification that the writer uses. */
function readGguf(file: Buffer) {
  let position = 0;
  /** @returns the position before */
  const advance = (bytes: number) => {
    position += bytes;
    return position - bytes;
  };
  const uint32 = () => file.readUInt32LE(advance(4));
  const uint64 = () => Number(file.readBigUInt64LE(advance(8)));
  const string = () => {
    const length = uint64();
    const start = advance(length);
    return file.toString('utf8', start, start + length);
  };
  const value = (type: number): unknown => {
    if (type === 4) return uint32();
    if (type === 5) return file.readInt32LE(advance(4));
    if (type === 6) return file.readFloatLE(advance(4));
    if (type === 7) return file.readUInt8(advance(1)) === 1;
    if (type === 8) return string();
    if (type !== 9) throw new Error(`metadata type ${type} is not supported`);
    const [itemType, count] = [uint32(), uint64()];
    return Array.from({ length: count }, () => value(itemType));
  };

  expect(file.toString('latin1', advance(4), 4)).toBe('GGUF');
  expect(uint32()).toBe(3);
  const [tensorCount, valueCount] = [uint64(), uint64()];
  const metadata = new Map<string, unknown>();
  for (let i = 0; i < valueCount; i++) {
    const key = string();
    metadata.set(key, value(uint32()));
  }
  const headers = Array.from({ length: tensorCount }, () => {
    const name = string();
    const dimensions = Array.from({ length: uint32() }, uint64);
    return { name, dimensions, type: uint32(), offset: uint64() };
  });
  const data = Math.ceil(position / 32) * 32;
  const tensors = new Map(
    headers.map(({ name, dimensions, type, offset }) => {
      const elements = dimensions.reduce((product, size) => product * size);
      const precision = PRECISIONS.get(type);
      const bytes = precision ? (elements / BLOCK) * BLOCK_BYTES[precision] : elements * 4;
      expect(offset % 32).toBe(0);
      return [name, { dimensions, precision, bytes: file.subarray(data + offset, data + offset + bytes) }];
    }),
  );
  return { metadata, tensors };
}
