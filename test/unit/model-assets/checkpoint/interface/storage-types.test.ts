import { expect, test } from 'vitest';
import {
  decodeFloats,
  encodeFloats,
  type FloatType,
} from '../../../../../model-assets/checkpoint/interface/storage-types.ts';

const bytesOf = (halves: number[]) => new Uint8Array(Uint16Array.from(halves).buffer);
const decode = (halves: number[], type: FloatType) => [...decodeFloats(bytesOf(halves), type)];
const encode = (values: number[], type: FloatType) => [
  ...new Uint16Array(encodeFloats(Float32Array.from(values), type).slice().buffer),
];

test('F16 is decoded exactly: zeros, subnormals, the largest, infinities', () => {
  const cases: [number, number][] = [
    [0x0000, 0],
    [0x8000, -0],
    [0x0001, 2 ** -24],
    [0x83ff, -1023 * 2 ** -24],
    [0x0400, 2 ** -14],
    [0x3c00, 1],
    [0x3555, 0.333251953125],
    [0xc000, -2],
    [0x7bff, 65504],
    [0xfbff, -65504],
    [0x7c00, Number.POSITIVE_INFINITY],
    [0xfc00, Number.NEGATIVE_INFINITY],
    [0x7e00, Number.NaN],
  ];
  expect(
    decode(
      cases.map(([bits]) => bits),
      'F16',
    ),
  ).toEqual(cases.map(([, value]) => value));
});

test('BF16 is decoded exactly: zeros, subnormals, the largest, infinities', () => {
  const cases: [number, number][] = [
    [0x0000, 0],
    [0x8000, -0],
    [0x0001, 2 ** -133],
    [0x807f, -127 * 2 ** -133],
    [0x0080, 2 ** -126],
    [0x3f80, 1],
    [0xbf81, -1.0078125],
    [0x7f7f, 255 * 2 ** 120],
    [0x7f80, Number.POSITIVE_INFINITY],
    [0x7fc0, Number.NaN],
  ];
  expect(
    decode(
      cases.map(([bits]) => bits),
      'BF16',
    ),
  ).toEqual(cases.map(([, value]) => value));
});

test('F32 is decoded bit for bit, aligned or not', () => {
  const values = Float32Array.of(-0, 1e-45, -3.4028234663852886e38, 0.1);
  const aligned = new Uint8Array(values.buffer);
  const shifted = new Uint8Array(17);
  shifted.set(aligned, 1);
  expect(decodeFloats(aligned, 'F32')).toEqual(values);
  expect(decodeFloats(shifted.subarray(1), 'F32')).toEqual(values);
});

test('F64 is decoded to the nearest F32, aligned or not, with overflow to infinity', () => {
  const values = Float64Array.of(0.1, -1e-45, 1e39, 1 + 2 ** -24, 1 + 3 * 2 ** -24);
  const shifted = new Uint8Array(41);
  shifted.set(new Uint8Array(values.buffer), 1);
  const expected = Float32Array.of(Math.fround(0.1), -(2 ** -149), Number.POSITIVE_INFINITY, 1, 1 + 2 ** -22);
  expect(decodeFloats(new Uint8Array(values.buffer), 'F64')).toEqual(expected);
  expect(decodeFloats(shifted.subarray(1), 'F64')).toEqual(expected);
});

test.for(['F16', 'BF16'] as const)('every %s except NaNs survives decoding and encoding', (type) => {
  const halves = Uint16Array.from({ length: 0x10000 }, (_, bits) => bits);
  const values = decodeFloats(new Uint8Array(halves.buffer), type);
  const encoded = new Uint16Array(encodeFloats(new Float32Array(values), type).slice().buffer);
  const changed = halves.filter((bits, i) => !Number.isNaN(values[i]) && encoded[i] !== bits);
  expect(changed).toHaveLength(0);
  expect(decodeFloats(new Uint8Array(encoded.buffer), type).filter(Number.isNaN)).toEqual(
    values.filter(Number.isNaN),
  );
});

test('F16 is encoded by rounding to nearest, ties to even, with overflow to infinity', () => {
  const half = 2 ** -11;
  const cases: [number, number][] = [
    [1 + half, 0x3c00],
    [1 + half * 1.001, 0x3c01],
    [1 + 3 * half, 0x3c02],
    [65519.99, 0x7bff],
    [65520, 0x7c00],
    [-1e38, 0xfc00],
    [2 ** -25, 0x0000],
    [2 ** -25 * 1.0001, 0x0001],
    [1.5 * 2 ** -24, 0x0002],
    [-(2 ** -14) * (1 - 2 ** -12), 0x8400],
    [1e-45, 0x0000],
    [Number.NaN, 0x7e00],
  ];
  expect(
    encode(
      cases.map(([value]) => value),
      'F16',
    ),
  ).toEqual(cases.map(([, bits]) => bits));
});

test('BF16 is encoded by rounding to nearest, ties to even', () => {
  const half = 2 ** -8;
  const cases: [number, number][] = [
    [1 + half, 0x3f80],
    [1 + 3 * half, 0x3f82],
    [-(1 + half * 1.01), 0xbf81],
    [3.4028234663852886e38, 0x7f80],
    [Number.NaN, 0x7fc0],
  ];
  expect(
    encode(
      cases.map(([value]) => value),
      'BF16',
    ),
  ).toEqual(cases.map(([, bits]) => bits));
});
