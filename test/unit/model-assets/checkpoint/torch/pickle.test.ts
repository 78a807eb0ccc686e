import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ByteReader } from '../../../../../model-assets/checkpoint/torch/byte-reader.ts';
import { TorchNames } from '../../../../../model-assets/checkpoint/torch/names.ts';
import { readPickle } from '../../../../../model-assets/checkpoint/torch/pickle.ts';
import { temporaryFolder } from '../../../../support/checkpoints.ts';
import { readTorch } from '../../../../support/torch-files.ts';

/** @param text of a character a byte. */
const read = (text: string) => readPickle(new ByteReader(Buffer.from(text, 'latin1')), new TorchNames());

/** A pickle's string. */
const text = (value: string) => `X${String.fromCharCode(value.length)}\0\0\0${value}`;
const number = (value: number) => `K${String.fromCharCode(value)}`;

test.for<[string, string, unknown]>([
  [
    'integers of every form',
    '(I-7\nL12345678901234567890L\nJ\xff\xff\xff\xffM\x01\x02\x8a\x02\x00\x80\x8a\x00t.',
    [-7, 12345678901234567890n, -1, 513, -32768, 0],
  ],
  ['an integer of more than 53 bits', '\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\x00.', 2n ** 64n - 1n],
  ['floats', '(F1.5\nG\xc0\x04\0\0\0\0\0\0t.', [1.5, -2.5]],
  ['truth values', '(\x88\x89I01\nI00\nNt.', [true, false, true, false, null]],
  ['texts', `(${text('a')}\x8c\x01bU\x01cVd\nS'e'\nt.`, ['a', 'b', 'c', 'd', 'e']],
  ['a list that grows', `]q\0(K\x01K\x02eK\x03a.`, [1, 2, 3]],
  [
    'a dict of both ways',
    `}${text('a')}K\x01s(${text('b')}K\x02u.`,
    new Map([
      ['a', 1],
      ['b', 2],
    ]),
  ],
  ['a dict of a mark', `(${text('a')}K\x01d.`, new Map([['a', 1]])],
  ['sets', '\x8f(K\x01K\x01\x90.', new Set([1])],
  ['a value from the memo', '(K\x05p9\ng9\nq\x01h\x01\x94j\x02\0\0\0t.', [5, 5, 5, 5]],
  ['values that are dropped', '(K\x01K\x020(K\x031K\x042t.', [1, 4, 4]],
])('reads %s', ([, pickle, expected]) => {
  const value = read(pickle);
  expect(value !== null && typeof value === 'object' && 'items' in value ? value.items : value).toEqual(
    expected,
  );
});

test('reads a list that contains itself', () => {
  const value = read(']q\0h\0a.') as unknown[];
  expect(value[0]).toBe(value);
});

/** Calls `name` again and again with one list. */
const callsWithOneList = (name: string, items: number, calls: number) =>
  `](${'K\x01'.repeat(items)}eq\x000c${name}\nq\x010${'h\x01h\0\x85R0'.repeat(calls)}N.`;

test.for(['__builtin__\nset', '__builtin__\nfrozenset', 'collections\nOrderedDict'])(
  'bounds what the calls of %s copy',
  (name) => {
    expect(read(callsWithOneList(name, 2000, 1000))).toBe(null);
    expect(() => read(callsWithOneList(name, 2000, 1001))).toThrow(
      'calls functions with more than 2000000 items in lists and tuples',
    );
  },
);

test('refuses a tensor that is made by making a tensor', () => {
  const rebuild = 'ctorch._tensor\n_rebuild_from_type_v2\n';
  expect(() => read(`${rebuild}(${rebuild}N)NtR.`)).toThrow('has a tensor made by');
});

describe('rejects', () => {
  test.for<[string, string, string]>([
    ['an end within a value', 'K', 'ends at byte 1, within a value of 1 bytes at 1'],
    [
      'a text beyond the end',
      'X\xff\xff\xff\x7fabc',
      'ends at byte 8, within a value of 2147483647 bytes at 5',
    ],
    [
      'a text of 2^64 bytes',
      '\x8d\xff\xff\xff\xff\xff\xff\xff\xff',
      'ends at byte 9, within a value of 18446744073709552000 bytes at 9',
    ],
    ['a line without an end', 'Vabc', 'ends at byte 4, within a value of 4 bytes at 1'],
    [
      'an unknown opcode',
      '\x82\x01.',
      'has a pickle with the opcode 0x82 at byte 0, which torch does not write',
    ],
    ['protocol 6', '\x80\x06.', 'has a pickle of protocol 6, expected at most 5'],
    ['an empty stack', '.', 'has a pickle that takes a value from an empty stack'],
    ['a value below a mark', 'K\x01(0.', 'has a pickle that takes a value from an empty stack'],
    ['a tuple without a mark', 'K\x01t.', 'has a pickle that lacks a mark'],
    ['an object that is not there', 'h\x05.', 'has a pickle that refers to object 5 before it exists'],
    ['an item of a list', ']K\x01K\x02s.', 'has a pickle that sets an item of a list'],
    ['a value in a text', 'Va\nK\x01a.', 'has a pickle that appends to the string a'],
    ['a key without a value', '}(K\x01u.', 'has a pickle with a key that has no value'],
    ['a call of a number', 'K\x01)R.', 'has a pickle that calls the number 1'],
    [
      'a call without a tuple',
      'ccollections\nOrderedDict\nK\x01R.',
      'has a pickle that calls a function with the number 1, expected a tuple',
    ],
    [
      'a name that is no text',
      'K\x01K\x02\x93.',
      'has a pickle that uses the number 1 and the number 2 as a name',
    ],
    [
      'a large integer',
      `\x8b\x00\x10\0\0${'\x01'.repeat(4096)}.`,
      'has a pickle with an integer of 4096 bytes, expected at most 1024',
    ],
    ['a number that is none', 'I1_000\n.', 'has a pickle with "1_000", expected an integer'],
    [
      'another object outside',
      'K\x01Q.',
      'has a pickle that refers to the number 1 outside, expected a storage',
    ],
    ['an extension', '\x82\x05.', 'has a pickle with the opcode 0x82 at byte 0, which torch does not write'],
  ])('%s', ([, pickle, message]) => {
    expect(() => read(pickle)).toThrow(message);
  });

  test('a name with control characters, without them', () => {
    expect(() => read('c\x1b[31mos\nsystem\n.')).toThrow(/^refers to \\u001b\[31mos\.system, which is not/);
    expect(() => read(`c${'a'.repeat(1000)}\nb\n.`)).toThrow(/^refers to a{200}, which is not/);
  });

  test('a pickle of too many opcodes, in bounded memory', () => {
    const before = process.memoryUsage().rss;
    expect(() => read(']'.repeat(3_000_000))).toThrow('has a pickle of more than 2000000 opcodes');
    expect(process.memoryUsage().rss - before).toBeLessThan(400e6);
  });
});

/** The format before 1.6 with one F32 storage of six elements, of which the tensor sees a view. */
function legacyWithView(view: string): Buffer {
  const magic = '\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.';
  const version = '\x80\x02M\xe9\x03.';
  const system = '\x80\x02}.';
  const storage = `(${text('storage')}ctorch\nFloatStorage\n${text('7')}${text('cpu')}${number(6)}${view}tQ`;
  const tensor = `ctorch._utils\n_rebuild_tensor\n(${storage}${number(1)}${number(2)}\x85${number(1)}\x85tR`;
  const root = `\x80\x02}${text('a')}${tensor}s.`;
  const keys = `\x80\x02]${text('7')}a.`;
  const count = Buffer.alloc(8);
  count.writeBigInt64LE(6n);
  const elements = Buffer.from(Float32Array.of(10, 11, 12, 13, 14, 15).buffer);
  return Buffer.concat([Buffer.from(magic + version + system + root + keys, 'latin1'), count, elements]);
}

describe('views of storages, which torch before 0.4 wrote', () => {
  test('are read', async () => {
    await using dir = await temporaryFolder();
    const path = join(dir.path, 'a.bin');
    await writeFile(path, legacyWithView(`(${text('8')}${number(2)}${number(3)}t`));
    expect((await readTorch(path)).tensors).toEqual([{ name: 'a', shape: [2], values: [13, 14] }]);
    await writeFile(path, legacyWithView('N'));
    expect((await readTorch(path)).tensors).toEqual([{ name: 'a', shape: [2], values: [11, 12] }]);
  });

  test.for([
    [`(${text('8')}${number(4)}${number(3)}t`, 'a.bin has a view of storage 7 beyond its 6 elements'],
    [
      `(${text('8')}${number(4)}${number(2)}t`,
      'a.bin [2] with strides [1] at 1 reaches element 2 of a storage of 2',
    ],
  ] as const)('are refused beyond their storage: %#', async ([view, message]) => {
    await using dir = await temporaryFolder();
    const path = join(dir.path, 'a.bin');
    await writeFile(path, legacyWithView(view));
    await expect(readTorch(path)).rejects.toThrow(message);
  });
});
