import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SHARD_BYTES, WeightStream } from '../../../../model-assets/convert/shards.ts';
import { temporaryFolder } from '../../../support/checkpoints.ts';

const numbers = (length: number, first: number) => Int8Array.from({ length }, (_, i) => first + i);

/** @param lengths bytes of the tensors, multiples of 4 */
async function writeShards(shardBytes: number, lengths: number[]) {
  await using dir = await temporaryFolder();
  const stream = new WeightStream(dir.path, shardBytes);
  for (const [i, length] of lengths.entries()) {
    await stream.write({ name: `t${i}`, dtype: 'float32', shape: [length / 4] }, numbers(length, i));
  }
  const { shards, tensors } = await stream.finish();
  const files = await Promise.all(shards.map(({ path }) => readFile(join(dir.path, path))));
  return { shards, tensors, files };
}

test('a shard is at most 24 MiB', () => {
  expect(SHARD_BYTES).toBe(25_165_824);
});

test('a tensor may span several files', async () => {
  const { shards, tensors, files } = await writeShards(100, [72, 260]);
  expect(tensors.map(({ offset }) => offset)).toEqual([0, 128]);
  expect(shards.map(({ path, bytes }) => [path, bytes])).toEqual([
    ['weights-000.bin', 100],
    ['weights-001.bin', 100],
    ['weights-002.bin', 100],
    ['weights-003.bin', 88],
  ]);
  const bytes = new Int8Array(Buffer.concat(files));
  expect(bytes.subarray(0, 72)).toEqual(numbers(72, 0));
  expect(bytes.subarray(72, 128)).toEqual(new Int8Array(56));
  expect(bytes.subarray(128)).toEqual(numbers(260, 1));
});

test('the stream does not depend on the shard size, and the hashes match the files', async () => {
  const lengths = [4, 64, 68, 8, 200];
  const whole = await writeShards(1000, lengths);
  for (const shardBytes of [1, 63, 64, 65, 128]) {
    const cut = await writeShards(shardBytes, lengths);
    expect(cut.tensors).toEqual(whole.tensors);
    expect(Buffer.concat(cut.files)).toEqual(whole.files[0]);
    const hashes = cut.files.map((file) => createHash('sha256').update(file).digest('hex'));
    expect(cut.shards.map(({ sha256 }) => sha256)).toEqual(hashes);
  }
});

test('a stream that fills its last file has no empty one', async () => {
  const { shards } = await writeShards(64, [64, 64]);
  expect(shards.map(({ bytes }) => bytes)).toEqual([64, 64]);
});

test('rejects data that does not match its entry', async () => {
  await using dir = await temporaryFolder();
  const stream = new WeightStream(dir.path);
  await expect(
    stream.write({ name: 'a', dtype: 'float32', shape: [2, 2] }, new Float32Array(3)),
  ).rejects.toThrow('a: 12 bytes for float32 [2,2]');
});
