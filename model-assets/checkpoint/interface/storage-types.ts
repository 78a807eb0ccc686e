/**
 * @module Decodes and encodes the floating-point types of checkpoints: F32, F16, BF16 and F64. They are
 * little-endian, as is every processor that Node.js supports.
 */

export const FLOAT_BYTES = { F32: 4, F16: 2, BF16: 2, F64: 8 } as const;

/** A supported storage type of weights. */
export type FloatType = keyof typeof FLOAT_BYTES;

/**
 * Element sizes of all safetensors types. Others than {@link FloatType} occur in buffers, which are not read.
 */
export const STORAGE_BYTES: Readonly<Record<string, number>> = {
  ...FLOAT_BYTES,
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  U16: 2,
  I16: 2,
  U32: 4,
  I32: 4,
  U64: 8,
  I64: 8,
};

export const isFloatType = (dtype: string): dtype is FloatType => Object.hasOwn(FLOAT_BYTES, dtype);

/**
 * @returns the exact values of `bytes`, and the nearest ones of F64, infinity on overflow; for aligned F32, a view of the
 *   same memory.
 */
export function decodeFloats(bytes: Uint8Array<ArrayBuffer>, type: FloatType): Float32Array {
  const aligned = bytes.byteOffset % FLOAT_BYTES[type] === 0 ? bytes : bytes.slice();
  const length = aligned.byteLength / FLOAT_BYTES[type];
  if (type === 'F32') return new Float32Array(aligned.buffer, aligned.byteOffset, length);
  if (type === 'F64') return Float32Array.from(new Float64Array(aligned.buffer, aligned.byteOffset, length));
  const halves = new Uint16Array(aligned.buffer, aligned.byteOffset, length);
  return type === 'F16' ? decodeF16(halves) : decodeBF16(halves);
}

/** @returns `values` rounded to the nearest number of `type`, ties to even; infinity on overflow. */
export function encodeFloats(values: Float32Array<ArrayBuffer>, type: FloatType): Uint8Array {
  if (type === 'F32') return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  if (type === 'F64') return new Uint8Array(Float64Array.from(values).buffer);
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  const encode = type === 'F16' ? encodeF16 : encodeBF16;
  for (let i = 0; i < halves.length; i++) halves[i] = encode(bits[i] as number);
  return new Uint8Array(halves.buffer);
}

let f16Values: Float32Array | undefined;

/** The values of all 65,536 F16 bit patterns. */
function f16Table(): Float32Array {
  if (f16Values) return f16Values;
  f16Values = new Float32Array(0x10000);
  for (let bits = 0; bits < 0x10000; bits++) {
    const exponent = (bits >> 10) & 0x1f;
    const fraction = bits & 0x3ff;
    const magnitude =
      exponent === 0
        ? fraction * 2 ** -24
        : exponent === 0x1f
          ? fraction === 0
            ? Number.POSITIVE_INFINITY
            : Number.NaN
          : (1024 + fraction) * 2 ** (exponent - 25);
    f16Values[bits] = bits & 0x8000 ? -magnitude : magnitude;
  }
  return f16Values;
}

function decodeF16(halves: Uint16Array): Float32Array {
  const table = f16Table();
  const values = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) values[i] = table[halves[i] as number] as number;
  return values;
}

/** A BF16 is the upper half of an F32. */
function decodeBF16(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = (halves[i] as number) << 16;
  return new Float32Array(bits.buffer);
}

const F32_INFINITY = 0x7f800000;
/** The bits of 2^16, the first power of two beyond F16's range. */
const F16_OVERFLOW = 0x47800000;
/** The bits of 2^-14, the smallest normal F16. */
const F16_NORMAL = 0x38800000;
/** The difference of the exponent biases, 127 and 15, in F32 bits. */
const REBIAS = (127 - 15) << 23;

function encodeF16(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > F32_INFINITY) return sign | 0x7e00;
  if (magnitude >= F16_OVERFLOW) return sign | 0x7c00;
  if (magnitude < F16_NORMAL) return sign | encodeF16Subnormal(magnitude);
  // Rounding up to the next power of two carries into the exponent, and from the largest F16 into infinity.
  return sign | ((magnitude - REBIAS + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
}

/**
 * Subnormal F16 are multiples of 2^-24; the fraction with its hidden bit counts units of 2^(exponent - 150).
 */
function encodeF16Subnormal(magnitude: number): number {
  const exponent = magnitude >>> 23;
  if (exponent < 102) return 0;
  const units = (magnitude & 0x7fffff) | 0x800000;
  const shift = 126 - exponent;
  const half = 2 ** (shift - 1);
  return (units + half - 1 + ((units >>> shift) & 1)) >>> shift;
}

function encodeBF16(bits: number): number {
  if ((bits & 0x7fffffff) > F32_INFINITY) return ((bits >>> 16) & 0x8000) | 0x7fc0;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}
