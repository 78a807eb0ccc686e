/**
 * @module The types of GGUF's metadata and of its tensors.
 *
 * The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 */

/** `gguf_metadata_value_type`: numbers by the size of their bytes, and the rest. */
export const VALUE_TYPE = {
  uint8: 0,
  int8: 1,
  uint16: 2,
  int16: 3,
  uint32: 4,
  int32: 5,
  float32: 6,
  bool: 7,
  string: 8,
  array: 9,
  uint64: 10,
  int64: 11,
  float64: 12,
} as const;

/** A value of the metadata. Arrays hold items of one type. */
export type GgufValue =
  | number
  | boolean
  | string
  | readonly number[]
  | readonly boolean[]
  | readonly string[];

/** Elements and bytes of a block of each type that is read. Types without quantization have blocks of one. */
export const READABLE_TYPES = {
  F32: { elements: 1, bytes: 4 },
  F16: { elements: 1, bytes: 2 },
  BF16: { elements: 1, bytes: 2 },
  /** 32 numbers of int8 after their scale in F16. */
  Q8_0: { elements: 32, bytes: 34 },
} as const;

export type ReadableType = keyof typeof READABLE_TYPES;

export const isReadable = (type: string): type is ReadableType => Object.hasOwn(READABLE_TYPES, type);

/** The names of `ggml_type` by number. The missing numbers are of types that were removed. */
const TYPE_NAMES: Readonly<Record<number, string>> = {
  0: 'F32',
  1: 'F16',
  2: 'Q4_0',
  3: 'Q4_1',
  6: 'Q5_0',
  7: 'Q5_1',
  8: 'Q8_0',
  9: 'Q8_1',
  10: 'Q2_K',
  11: 'Q3_K',
  12: 'Q4_K',
  13: 'Q5_K',
  14: 'Q6_K',
  15: 'Q8_K',
  16: 'IQ2_XXS',
  17: 'IQ2_XS',
  18: 'IQ3_XXS',
  19: 'IQ1_S',
  20: 'IQ4_NL',
  21: 'IQ3_S',
  22: 'IQ2_S',
  23: 'IQ4_XS',
  24: 'I8',
  25: 'I16',
  26: 'I32',
  27: 'I64',
  28: 'F64',
  29: 'IQ1_M',
  30: 'BF16',
  34: 'TQ1_0',
  35: 'TQ2_0',
  39: 'MXFP4',
  40: 'NVFP4',
};

/** @returns the name of a `ggml_type`; of one that is not known, its number: `type 99`. */
export const typeName = (type: number): string => TYPE_NAMES[type] ?? `type ${type}`;
