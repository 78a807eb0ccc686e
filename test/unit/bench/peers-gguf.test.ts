/** @module The GGUF file that the benchmark writes for llama.cpp: Q8_0 blocks and the file format. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { quantizeQ8, writeGpt2Gguf } from '../../../bench/peers/gpt2-gguf.ts';
import { openCheckpoint } from '../../../model-assets/checkpoint/checkpoint.ts';
import { readFloats, type StoredTensor } from '../../../model-assets/checkpoint/safetensors.ts';
import { DEFAULT_CHECKPOINT } from '../../../model-assets/ensure.ts';
import { temporaryFolder } from '../../support/checkpoints.ts';

const [BLOCK, BLOCK_BYTES] = [32, 34];

function dequantize(bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float32Array.from({ length: (bytes.length / BLOCK_BYTES) * BLOCK }, (_, i) => {
    const block = Math.floor(i / BLOCK) * BLOCK_BYTES;
    return view.getFloat16(block, true) * view.getInt8(block + 2 + (i % BLOCK));
  });
}

test('quantization changes each of 32 values by at most half a step of their block', () => {
  const values = Float32Array.from({ length: 64 }, (_, i) => Math.sin(i) * (i < 32 ? 1 : 100));
  const restored = dequantize(quantizeQ8(values));
  for (const [i, x] of values.entries()) {
    // Half of 1/127 of the largest value, plus the rounding of the scale to f16.
    expect(Math.abs((restored[i] as number) - x)).toBeLessThan(i < 32 ? 0.0045 : 0.45);
  }
});

test('quantization maps the largest value to 127, rounds halves away from zero, and keeps zeros', () => {
  const values = new Float32Array(64);
  values.set([127, -127, 2.5, -2.5, 0.4]);
  const bytes = quantizeQ8(values);
  expect([...new Int8Array(bytes.buffer, 2, 6)]).toEqual([127, -127, 3, -3, 0, 0]);
  expect(bytes.subarray(BLOCK_BYTES).every((byte) => byte === 0)).toBe(true);
});

test('a file stores each matrix at the offset of its header, with one row per output', async () => {
  await using dir = await temporaryFolder();
  const path = join(dir.path, 'model.gguf');
  await writeGpt2Gguf(DEFAULT_CHECKPOINT, path);
  const { metadata, tensors } = readGguf(await readFile(path));
  expect(metadata.get('general.architecture')).toBe('gpt2');
  expect(metadata.get('gpt2.attention.head_count')).toBe(4);
  expect(metadata.get('tokenizer.ggml.tokens')).toHaveLength(8192);
  expect(tensors.size).toBe(4 + 6 * 12);

  const checkpoint = await openCheckpoint(DEFAULT_CHECKPOINT);
  const read = (name: string, count: number) =>
    readFloats(checkpoint.parameters.get(name) as StoredTensor, 0, count);
  const qkv = tensors.get('blk.5.attn_qkv.weight');
  expect(qkv?.dimensions).toEqual([256, 768]);
  const rows = dequantize(qkv?.bytes ?? new Uint8Array());
  const weight = await read('h.5.attn.c_attn.weight', 256 * 768);
  const largest = weight.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  for (const [input, output] of [
    [0, 0],
    [255, 3],
    [7, 767],
  ] as const) {
    const error = (rows[output * 256 + input] as number) - (weight[input * 768 + output] as number);
    expect(Math.abs(error)).toBeLessThan(largest / 127);
  }
  const bias = tensors.get('output_norm.bias');
  expect(bias?.dimensions).toEqual([256]);
  expect([...new Float32Array(new Uint8Array(bias?.bytes ?? []).buffer)]).toEqual([
    ...(await read('ln_f.bias', 256)),
  ]);
  await checkpoint.close();
});

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
      const bytes = type === 8 ? (elements / BLOCK) * BLOCK_BYTES : elements * 4;
      expect(offset % 32).toBe(0);
      return [name, { dimensions, bytes: file.subarray(data + offset, data + offset + bytes) }];
    }),
  );
  return { metadata, tensors };
}
