/** @module Hostile indices with valid checksums: an error that names the fault, in bounded time. */
import { expect, test } from 'vitest';
import { FormatError } from '../../../../../model-assets/checkpoint/interface/format-error.ts';
import { readBundle } from '../../../../../model-assets/checkpoint/tensorflow/bundle.ts';
import { crc32c, maskCrc } from '../../../../../model-assets/checkpoint/tensorflow/crc32c.ts';
import { readSortedTable } from '../../../../../model-assets/checkpoint/tensorflow/sorted-table.ts';

const u32 = (value: number) => Buffer.from(Uint32Array.of(value).buffer);

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = BigInt(value); ; rest >>= 7n) {
    if (rest < 0x80n) return Buffer.from([...bytes, Number(rest)]);
    bytes.push(Number(rest & 0x7fn) | 0x80);
  }
}

type Entry = readonly [shared: number, added: string, value: Uint8Array];

const block = (entries: readonly Entry[], restarts = 1) =>
  Buffer.concat([
    ...entries.flatMap(([shared, added, value]) => [
      varint(shared),
      varint(added.length),
      varint(value.length),
      Buffer.from(added),
      value,
    ]),
    u32(0),
    u32(restarts),
  ]);

/** A table of one block, whose checksums are right. */
function table(content: Buffer, compression = 0): Buffer {
  const stored = (bytes: Buffer) => {
    const typed = Buffer.concat([bytes, Buffer.of(compression)]);
    return Buffer.concat([typed, u32(maskCrc(crc32c(typed)))]);
  };
  const first = stored(content);
  const index = stored(block([[0, 'z', Buffer.concat([varint(0), varint(content.length)])]]));
  const handles = [varint(0), varint(0), varint(first.length), varint(index.length - 5)];
  const footer = Buffer.alloc(48);
  Buffer.concat(handles).copy(footer);
  footer.writeBigUInt64LE(0xdb4775248b80fb57n, 40);
  return Buffer.concat([first, index, footer]);
}

test('the checksum is CRC-32C', () => {
  // The check value of the algorithm, and RFC 3720's examples of 32 bytes.
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
  const bytes = Uint8Array.from({ length: 99 }, (_, i) => 255 - i);
  expect(crc32c(bytes.subarray(13), crc32c(bytes.subarray(0, 13)))).toBe(crc32c(bytes));
});

test('keys share prefixes', () => {
  const found = readSortedTable(
    table(
      block([
        [0, 'model/wte', Buffer.of(1)],
        [7, 'pe', Buffer.of(2)],
      ]),
    ),
  );
  expect([...found].map(([key, value]) => [key, ...value])).toEqual([
    ['model/wte', 1],
    ['model/wpe', 2],
  ]);
});

test.for<[string, Buffer, string]>([
  ['an empty file', Buffer.alloc(0), 'is truncated: expected at least 48 bytes, found 0'],
  [
    'another format',
    Buffer.alloc(99),
    'is not the index of a checkpoint, or is truncated: its end is not that of a table',
  ],
  ['a prefix of nothing', table(block([[5, 'a', Buffer.of(1)]])), 'is damaged: a key has 5 + 1 bytes'],
  [
    'keys that grow without end',
    table(block(Array.from({ length: 5000 }, (_, i): Entry => [i, 'a', Buffer.alloc(0)]))),
    'is damaged: a key has 4096 + 1 bytes',
  ],
  [
    'a value beyond its block',
    table(Buffer.concat([varint(0), varint(1), varint(2 ** 40), Buffer.from('a'), u32(0), u32(1)])),
    'is damaged: a value goes beyond its block',
  ],
  [
    'more restart points than bytes',
    table(block([], 2 ** 31)),
    'is damaged: a block has 2147483648 restart points, more than fit',
  ],
  [
    'an entry twice',
    table(
      block([
        [0, 'a', Buffer.of(1)],
        [1, '', Buffer.of(2)],
      ]),
    ),
    'is damaged: it has the entry "a" twice',
  ],
  [
    'a number that never ends',
    table(Buffer.concat([Buffer.alloc(20, 0xff), u32(0), u32(1)])),
    'is damaged: a number is too large',
  ],
])('refuses %s', ([, bytes, message]) => {
  expect(() => readSortedTable(bytes)).toThrow(new FormatError(message));
});

test('more entries than any model are refused', () => {
  const entries = Array.from({ length: 70_000 }, (_, i): Entry => [0, `${i}`, Buffer.alloc(0)]);
  expect(() => readSortedTable(table(block(entries)))).toThrow(
    new FormatError('has more than 65536 entries'),
  );
});

test('compressed blocks are named', () => {
  expect(() => readSortedTable(table(block([]), 1))).toThrow(
    new FormatError('is compressed (type 1): TensorFlow writes no such index, and none is read'),
  );
});

test.for<[string, [string, number[]][], string]>([
  ['no header', [], 'is damaged: it has no header'],
  ['no data files', [['', []]], 'is damaged: it has 0 data files'],
  ['a million data files', [['', [8, 0xc0, 0x84, 0x3d]]], 'is damaged: it has 1000000 data files'],
  [
    'big-endian tensors',
    [['', [8, 1, 16, 1]]],
    'is of a big-endian machine: only little-endian checkpoints are supported',
  ],
  [
    'a tensor in a file that is not there',
    [
      ['', [8, 1]],
      ['a', [8, 1, 24, 1]],
    ],
    'is damaged: a is in file 1 of 1',
  ],
  [
    'a partitioned variable',
    [
      ['', [8, 1]],
      ['a', [8, 1, 58, 0]],
    ],
    'has a in slices: a partitioned variable is not supported',
  ],
  [
    'a negative size',
    [
      ['', [8, 1]],
      ['a', [40, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1]],
    ],
    'is damaged: a number is too large',
  ],
  [
    'a shape that is a number',
    [
      ['', [8, 1]],
      ['a', [16, 1]],
    ],
    'is damaged: a field has another type than it should',
  ],
])('refuses a bundle with %s', ([, entries, message]) => {
  const byKey = new Map(entries.map(([key, value]) => [key, Uint8Array.from(value)]));
  expect(() => readBundle(byKey)).toThrow(new FormatError(message));
});
