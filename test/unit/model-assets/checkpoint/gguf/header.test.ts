/** @module Damaged and hostile GGUF headers: an error that names the fault, in bounded memory. */
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { readGgufHeader } from '../../../../../model-assets/checkpoint/gguf/header.ts';
import { FormatError } from '../../../../../model-assets/checkpoint/interface/format-error.ts';
import { createRandom } from '../../../../../model-assets/synthesize/normal.ts';
import { foreignPath } from '../../../../support/foreign-golden.ts';

const u32 = (...values: number[]) => Buffer.from(Uint32Array.from(values).buffer);
const u64 = (...values: bigint[]) => Buffer.from(BigUint64Array.from(values).buffer);
const text = (value: string) => Buffer.concat([u64(BigInt(value.length)), Buffer.from(value)]);
const HUGE = 2n ** 62n;
const [ARRAY, STRING, UINT32, UINT8] = [9, 8, 4, 0];

const header = (tensors: bigint, keys: bigint, ...rest: Buffer[]) =>
  Buffer.concat([Buffer.from('GGUF'), u32(3), u64(tensors, keys), ...rest]);
const tensor = (name: string, dimensions: bigint[], type = 0, offset = 0n) =>
  Buffer.concat([text(name), u32(dimensions.length), u64(...dimensions), u32(type), u64(offset)]);

/** @param fileBytes of a file that goes on with zeros which are not in memory. */
const open = (bytes: Buffer, fileBytes = bytes.length) =>
  readGgufHeader(
    {
      bytes: fileBytes,
      read: async (position, length) => {
        const part = new Uint8Array(length);
        part.set(bytes.subarray(position, position + length));
        return part;
      },
    },
    () => true,
  );

test.for<[string, Buffer, string]>([
  ['an empty file', Buffer.alloc(0), 'is truncated: its header has at least 4 bytes, found 0'],
  ['another format', Buffer.alloc(64, 'x'), 'is not GGUF: it does not begin with "GGUF"'],
  [
    'version 1',
    Buffer.concat([Buffer.from('GGUF'), u32(1)]),
    'is GGUF of version 1: versions 2 and 3 are supported',
  ],
  [
    'the other byte order',
    Buffer.concat([Buffer.from('GGUF'), u32(0x03000000)]),
    'is big-endian: only little-endian GGUF is supported',
  ],
  [
    'more keys than are possible',
    header(0n, HUGE),
    'is damaged: the number of keys is 4611686018427387904, which no file has',
  ],
  ['more tensors than are possible', header(70000n, 0n), 'is damaged: it has 70000 tensors, more than 65536'],
  [
    'an endless key',
    header(0n, 1n, u64(1n << 40n)),
    'is truncated: its header has at least 1099511627808 bytes, found 32',
  ],
  [
    'an endless array',
    header(0n, 1n, text('a'), u32(ARRAY, UINT8), u64(1n << 40n)),
    'is truncated: its header has at least 1099511627825 bytes, found 49',
  ],
  [
    'an array whose size overflows',
    header(0n, 1n, text('a'), u32(ARRAY, STRING), u64(2n ** 53n - 1n)),
    'is truncated: its header has at least 72057594037927980 bytes, found 49',
  ],
  [
    'an array of arrays',
    header(0n, 1n, text('a'), u32(ARRAY, ARRAY), u64(1n)),
    'is damaged: the items of a are arrays themselves',
  ],
  ['an unknown type', header(0n, 1n, text('a'), u32(13)), 'is damaged: a has the unknown type 13'],
  [
    'a key twice',
    header(0n, 2n, text('a'), u32(UINT32, 1), text('a'), u32(UINT32, 1)),
    'is damaged: it has the key a twice',
  ],
  [
    'an alignment that is no power of two',
    header(0n, 1n, text('general.alignment'), u32(UINT32, 24)),
    'is damaged: general.alignment is 24, expected a power of two',
  ],
  [
    'a tensor of five dimensions',
    header(1n, 0n, tensor('a', [1n, 1n, 1n, 1n, 1n])),
    'is damaged: a has 5 dimensions, more than 4',
  ],
  [
    'a tensor beyond the file',
    header(1n, 0n, tensor('a', [1n << 50n, 1n << 50n])),
    'is truncated: a ends at byte 5.070602400912918e+30, found 65',
  ],
  [
    'a tensor twice',
    Buffer.concat([header(2n, 0n, tensor('a', [1n]), tensor('a', [1n])), Buffer.alloc(99)]),
    'is damaged: it has the tensor a twice',
  ],
  [
    'tensors that overlap',
    Buffer.concat([header(2n, 0n, tensor('a', [9n]), tensor('b', [1n], 0, 32n)), Buffer.alloc(99)]),
    'is damaged: b overlaps the tensor before it',
  ],
  [
    'an offset that is not aligned',
    Buffer.concat([header(1n, 0n, tensor('a', [1n], 0, 4n)), Buffer.alloc(99)]),
    'is damaged: a has the offset 4, which is not a multiple of 32',
  ],
  [
    'rows that are no whole blocks',
    Buffer.concat([header(1n, 0n, tensor('a', [33n], 8)), Buffer.alloc(99)]),
    'is damaged: a is Q8_0 with rows of 33, expected a multiple of 32',
  ],
])('rejects %s', async ([, bytes, message]) => {
  await expect(open(bytes)).rejects.toThrow(new FormatError(message));
});

test('a header of zeros for ever, in a file of a terabyte, is refused after 32 MiB', async () => {
  const bytes = header(0n, 1n, text('a'), u32(ARRAY, STRING), u64(1n << 36n));
  const before = process.memoryUsage().rss;
  await expect(open(bytes, 1e12)).rejects.toThrow(
    new FormatError('has a header of more than 33554432 bytes'),
  );
  expect(process.memoryUsage().rss - before).toBeLessThan(400e6);
});

test('version 2 has the same layout', async () => {
  const bytes = await readFile(foreignPath('gpt2.gguf'));
  const [three, two] = [await open(bytes), Buffer.from(bytes)];
  two.writeUInt32LE(2, 4);
  expect(await open(two)).toEqual(three);
});

test('a file that is cut anywhere, or has any byte of its header changed, is an error or a header', async () => {
  const bytes = await readFile(foreignPath('gpt2.gguf'));
  const end = (await open(bytes)).tensors[0]?.position ?? 0;
  const next = createRandom(3, 'gguf');
  const random = (below: number) => next() % below;
  let refused = 0;
  for (let i = 0; i < 2000; i++) {
    const damaged = Buffer.from(bytes);
    damaged[random(end)] = random(256);
    const cut = i % 2 === 0 ? damaged : bytes.subarray(0, random(bytes.length));
    await open(cut).catch((error) => {
      refused++;
      expect(error).toBeInstanceOf(FormatError);
    });
  }
  expect(refused).toBeGreaterThan(1000);
});
