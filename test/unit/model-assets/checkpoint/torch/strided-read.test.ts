import { expect, test } from 'vitest';
import { ElementType, Storage, StorageType } from '../../../../../model-assets/checkpoint/torch/storage.ts';
import { readStrided } from '../../../../../model-assets/checkpoint/torch/strided-read.ts';
import { TorchTensor } from '../../../../../model-assets/checkpoint/torch/tensor.ts';

const F32 = new ElementType('F32', 4);

/** A storage of which each element is its place, and how much of it is read. */
function countingStorage(elements: number) {
  const bytes = new Uint8Array(Float32Array.from({ length: elements }, (_, i) => i).buffer);
  const storage = new Storage({ key: '0', type: new StorageType(F32, true), elements });
  const reads = { count: 0, bytes: 0 };
  const read = async (position: number, length: number) => {
    expect(position + length).toBeLessThanOrEqual(bytes.length);
    reads.count++;
    reads.bytes += length;
    return bytes.slice(position, position + length);
  };
  return { storage, reads, read };
}

const floats = (bytes: Uint8Array<ArrayBuffer>) => [...new Float32Array(bytes.buffer)];

test('reads a tensor in the order of its storage as it lies', async () => {
  const { storage, reads, read } = countingStorage(24);
  const tensor = new TorchTensor(storage, F32, 4, [5, 1, 4], [4, 99, 1]);
  expect(floats(await readStrided(tensor, 3, 6, read))).toEqual([7, 8, 9, 10, 11, 12]);
  expect(reads).toEqual({ count: 1, bytes: 24 });
});

test('reads any strides', async () => {
  const { storage, read } = countingStorage(200);
  const [shape, stride] = [
    [3, 4, 5],
    [7, 30, 2],
  ];
  const tensor = new TorchTensor(storage, F32, 11, shape as number[], stride as number[]);
  const expected = Array.from({ length: 60 }, (_, i) => {
    const [a, b, c] = [Math.floor(i / 20), Math.floor(i / 5) % 4, i % 5];
    return 11 + 7 * a + 30 * b + 2 * c;
  });
  expect(floats(await readStrided(tensor, 0, 60, read))).toEqual(expected);
  expect(floats(await readStrided(tensor, 13, 29, read))).toEqual(expected.slice(13, 42));
});

test('reads an empty tensor of any strides', async () => {
  const { storage, read } = countingStorage(4);
  expect(await readStrided(new TorchTensor(storage, F32, 9, [3, 0], [1, 7]), 0, 0, read)).toHaveLength(0);
});

test('reads rows of a large transposed matrix in small parts of its columns', async () => {
  const [rows, columns] = [2500, 2100];
  const { storage, reads, read } = countingStorage(rows * columns);
  const tensor = new TorchTensor(storage, F32, 0, [rows, columns], [1, rows]);
  const first = 1203 * columns + 5;
  const values = floats(await readStrided(tensor, first, 3 * columns, read));
  const expected = Array.from({ length: 3 * columns }, (_, i) => {
    const [row, column] = [Math.floor((first + i) / columns), (first + i) % columns];
    return row + column * rows;
  });
  expect(values).toEqual(expected);
  expect(reads.count).toBeLessThan(3 * columns);
  // The last column's page ends with the storage.
  const last = floats(await readStrided(tensor, (rows - 1) * columns, columns, read));
  expect(last.at(-1)).toBe(rows * columns - 1);
});

test.for<[string, number[], number[], number]>([
  ['reaches element 6 of a storage of 6', [7], [1], 0],
  ['reaches element 7 of a storage of 6', [2, 2], [5, 1], 1],
  ['reaches element 9007199254740992', [2 ** 53], [1], 1],
  ['has 2 dimensions and 1 strides', [1, 1], [1], 0],
  ['repeats a storage of 6 elements, and may have at most 16777216', [2 ** 25], [0], 0],
])('a tensor that %s is refused', ([message, shape, stride, offset]) => {
  const { storage } = countingStorage(6);
  expect(() => new TorchTensor(storage, F32, offset, shape, stride)).toThrow(message);
});
