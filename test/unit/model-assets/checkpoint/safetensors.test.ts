import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CheckpointError } from '../../../../model-assets/checkpoint/interface/errors.ts';
import type { StoredTensor } from '../../../../model-assets/checkpoint/interface/stored-tensor.ts';
import { openSafetensors } from '../../../../model-assets/checkpoint/safetensors.ts';
import { createSafetensors } from '../../../../model-assets/synthesize/safetensors-writer.ts';
import { temporaryFolder } from '../../../support/checkpoints.ts';

/** Eight bytes of length, the header, and `dataBytes` zeros. */
function fileOf(header: unknown, dataBytes: number): Uint8Array {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, Buffer.alloc(dataBytes)]);
}

async function open(bytes: Uint8Array): Promise<readonly StoredTensor[]> {
  await using dir = await temporaryFolder();
  const path = join(dir.path, 'model.safetensors');
  await writeFile(path, bytes);
  const file = await openSafetensors(path);
  await file.close();
  return file.tensors;
}

const tensor = (begin: number, end: number, shape = [(end - begin) / 4], dtype = 'F32') => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

test('lists tensors in the order of their offsets, not of the header', async () => {
  const tensors = await open(
    fileOf({ b: tensor(8, 16), __metadata__: { format: 'pt' }, a: tensor(0, 8), e: tensor(8, 8) }, 16),
  );
  expect(tensors.map(({ name, bytes }) => [name, bytes])).toEqual([
    ['a', 8],
    ['e', 0],
    ['b', 8],
  ]);
});

test.for<[string, Uint8Array, string]>([
  ['an empty file', new Uint8Array(0), 'model.safetensors is truncated: expected at least 8 bytes, found 0'],
  [
    'a truncated header',
    fileOf({ a: tensor(0, 8) }, 0).subarray(0, 40),
    'model.safetensors is truncated: its header ends at byte 62, expected at least 62 bytes, found 40',
  ],
  [
    'truncated data',
    fileOf({ a: tensor(0, 8) }, 7),
    'model.safetensors is truncated: expected 70 bytes, found 69',
  ],
  [
    'bytes after the last tensor',
    fileOf({ a: tensor(0, 8) }, 9),
    'model.safetensors has bytes after its last tensor: expected 70 bytes, found 71',
  ],
  [
    'overlapping tensors',
    fileOf({ a: tensor(0, 8), b: tensor(4, 12) }, 12),
    'model.safetensors: b overlaps the tensor before it, expected offset 8, found 4',
  ],
  [
    'a gap between tensors',
    fileOf({ a: tensor(0, 8), b: tensor(12, 16) }, 16),
    'model.safetensors: b leaves a gap before it, expected offset 8, found 12',
  ],
  [
    'a range that does not match its shape',
    fileOf({ a: tensor(0, 8, [3]) }, 8),
    'model.safetensors: a is F32 [3], expected 12 bytes, found a range of 8',
  ],
  [
    'a range that ends before it begins',
    fileOf({ a: tensor(8, 0, [2]) }, 8),
    'model.safetensors: a is F32 [2], expected 8 bytes, found a range of -8',
  ],
  [
    'an unknown type',
    fileOf({ a: tensor(0, 8, [2], 'F31') }, 8),
    'model.safetensors: a has the unknown type F31',
  ],
  [
    'a header that is not JSON',
    fileOf('{"a":', 0),
    'model.safetensors is not a safetensors file: its header is not JSON',
  ],
  [
    'a header with a negative shape',
    fileOf({ a: tensor(0, 8, [-2]) }, 8),
    'model.safetensors has a bad header: a.shape.0: Too small: expected number to be >=0',
  ],
  [
    'an excessive header length',
    Buffer.from('ffffffffffffff7f', 'hex'),
    'model.safetensors is not a safetensors file: its header length is 9223372036854776000 bytes',
  ],
  [
    'a Git LFS pointer',
    Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n'),
    'model.safetensors is a Git LFS pointer, not the weights: run "git lfs pull" in its repository',
  ],
])('rejects %s', async ([, bytes, message]) => {
  await expect(open(bytes)).rejects.toThrow(new CheckpointError(message));
});

test('reads a part of a tensor', async () => {
  await using dir = await temporaryFolder();
  const path = join(dir.path, 'model.safetensors');
  const writer = await createSafetensors(path, [{ name: 'a', dtype: 'F32', shape: [2, 3] }]);
  await writer.write(new Uint8Array(Float32Array.of(1, 2, 3, 4, 5, 6).buffer));
  await writer.close();
  const file = await openSafetensors(path);
  expect([...(await (file.tensors[0] as StoredTensor).read(2, 3))]).toEqual([3, 4, 5]);
  await file.close();
});

test('reports a file that shrinks during reading', async () => {
  await using dir = await temporaryFolder();
  const path = join(dir.path, 'model.safetensors');
  await writeFile(path, fileOf({ a: tensor(0, 8) }, 8));
  const file = await openSafetensors(path);
  await truncate(path, 64);
  await expect((file.tensors[0] as StoredTensor).read(0, 2)).rejects.toThrow(
    new CheckpointError('model.safetensors is truncated: expected 70 bytes, found 64'),
  );
  await file.close();
});
