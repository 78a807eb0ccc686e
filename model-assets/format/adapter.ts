/**
 * @module The file of a packed LoRA adapter, `adapter-NAME.bin`. It is copied into the heap unchanged, and the kernel
 * `engine/kernels/assembly/adapter.ts` reads it there.
 *
 * All numbers are little-endian. The header has 32 bytes: {@link MAGIC}, and then as u32 n_layer, n_embd and n_inner of
 * the base, and the bytes of a weight, 2 for float16 and 4 for float32. A record of 16 bytes follows for each linear
 * layer of the base, by block and within it in the order of {@link TARGETS}: rank (u32, 0 if the layer has no change),
 * scale (f32), and the offsets in the file of both matrices (u32).
 *
 * Matrices are packed for rows of vectors: `[columns / 8, inner, 8]`, with columns padded by zeros. The first one of a
 * layer is A, with the layer's inputs as inner dimension and the rank as columns, the second is B, with the rank as inner
 * dimension and the layer's outputs as columns: the change of a row x is `scale · (x · A) · B`. In float16, a matrix is
 * times a power of two by which its largest weight is just below 2^15, and the scale is divided by it. So no weight is too
 * large, and those that have no normal float16 are less than 2^-29 of the largest: they are zero, since a processor takes a
 * hundred times as long for subnormal numbers.
 */
const MAGIC = 'EDGELORA';
const HEADER_BYTES = 32;
const RECORD_BYTES = 16;
const WORD_BYTES = 4;
/** Matrices start at multiples of a cache line. */
export const MATRIX_ALIGNMENT = 64;
/** Columns of a matrix that are stored side by side. */
export const TILE = 8;
export const MAX_RANK = 64;

/** The linear layers of a block that an adapter can change, by their names in the checkpoint. */
export const TARGETS = ['attn.c_attn', 'attn.c_proj', 'mlp.c_fc', 'mlp.c_proj'] as const;
export type Target = (typeof TARGETS)[number];

export const ADAPTER_DTYPES = ['float16', 'float32'] as const;
export type AdapterDtype = (typeof ADAPTER_DTYPES)[number];
const WEIGHT_BYTES: Readonly<Record<AdapterDtype, number>> = { float16: 2, float32: 4 };

/** The part of a config that an adapter must agree with. */
export interface AdapterBase {
  readonly n_layer: number;
  readonly n_embd: number;
  readonly n_inner: number;
}

/** The change of one linear layer, with offsets in the file. */
export interface LayerChange {
  readonly rank: number;
  /** A float32. */
  readonly scale: number;
  readonly a: number;
  readonly b: number;
}

/** What a file changes. */
export interface AdapterContent {
  readonly dtype: AdapterDtype;
  /** By block, and within it in the order of {@link TARGETS}. */
  readonly layers: readonly (LayerChange | undefined)[];
}

/** Inputs and outputs of a linear layer. */
export function shapeOf(target: Target, { n_embd, n_inner }: AdapterBase): readonly [number, number] {
  switch (target) {
    case 'attn.c_attn':
      return [n_embd, 3 * n_embd];
    case 'attn.c_proj':
      return [n_embd, n_embd];
    case 'mlp.c_fc':
      return [n_embd, n_inner];
    case 'mlp.c_proj':
      return [n_inner, n_embd];
  }
}

export const matrixBytes = (inner: number, columns: number, dtype: AdapterDtype): number =>
  Math.ceil(columns / TILE) * TILE * inner * WEIGHT_BYTES[dtype];

/** Of float16: 2^15 is below its largest number, and 2^-14 its least normal one. */
const LARGEST_EXPONENT = 15;
const LEAST_NORMAL = 2 ** -14;
/** What the exponent of a float32 is more, in the place of a float16's. */
const EXPONENT_BIAS = (127 - 15) << 10;

/** An adapter to pack. */
export interface UnpackedChange {
  /** Its block. */
  readonly layer: number;
  readonly target: Target;
  readonly rank: number;
  readonly scale: number;
  /** `[inputs, rank]` */
  readonly a: Float32Array;
  /** `[rank, outputs]` */
  readonly b: Float32Array;
}

/** @throws RangeError for a scale that is no float32; its message names the layer */
export function packAdapter(
  base: AdapterBase,
  dtype: AdapterDtype,
  changes: readonly UnpackedChange[],
): Uint8Array<ArrayBuffer> {
  let end = recordOffset(base.n_layer, TARGETS[0]);
  const allocate = (inner: number, columns: number) => {
    const offset = Math.ceil(end / MATRIX_ALIGNMENT) * MATRIX_ALIGNMENT;
    end = offset + matrixBytes(inner, columns, dtype);
    return offset;
  };
  const placed = changes.map(({ layer, target, rank, scale, a, b }) => {
    const [inputs, outputs] = shapeOf(target, base);
    const matrices = [
      {
        offset: allocate(inputs, rank),
        values: a,
        inner: inputs,
        columns: rank,
        exponent: exponentOf(a, dtype),
      },
      {
        offset: allocate(rank, outputs),
        values: b,
        inner: rank,
        columns: outputs,
        exponent: exponentOf(b, dtype),
      },
    ] as const;
    const packedScale = matrices.reduce((product, { exponent }) => product / 2 ** exponent, scale);
    if (!Number.isFinite(Math.fround(packedScale)))
      throw new RangeError(`h.${layer}.${target} has the scale ${packedScale}, which is no float32`);
    return { record: recordOffset(layer, target), rank, scale: packedScale, matrices };
  });
  const file = new Uint8Array(Math.ceil(end / MATRIX_ALIGNMENT) * MATRIX_ALIGNMENT);
  const view = new DataView(file.buffer);
  file.set(new TextEncoder().encode(MAGIC));
  const words = [base.n_layer, base.n_embd, base.n_inner, WEIGHT_BYTES[dtype]];
  for (const [i, word] of words.entries()) view.setUint32(MAGIC.length + i * WORD_BYTES, word, true);
  for (const { record, rank, scale, matrices } of placed) {
    view.setUint32(record, rank, true);
    view.setFloat32(record + 4, scale, true);
    view.setUint32(record + 8, matrices[0].offset, true);
    view.setUint32(record + 12, matrices[1].offset, true);
    for (const matrix of matrices) packMatrix(view, matrix, dtype);
  }
  return file;
}

/** The power of two that a matrix is times. */
function exponentOf(values: Float32Array, dtype: AdapterDtype): number {
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  if (dtype === 'float32' || largest === 0) return 0;
  return LARGEST_EXPONENT - 1 - Math.floor(Math.log2(largest));
}

function packMatrix(
  view: DataView,
  {
    offset,
    values,
    inner,
    columns,
    exponent,
  }: {
    readonly offset: number;
    readonly values: Float32Array;
    readonly inner: number;
    readonly columns: number;
    readonly exponent: number;
  },
  dtype: AdapterDtype,
): void {
  const factor = 2 ** exponent;
  for (let row = 0; row < inner; row++) {
    for (let column = 0; column < columns; column++) {
      const value = (values[row * columns + column] as number) * factor;
      const tile = Math.floor(column / TILE);
      const at = offset + ((tile * inner + row) * TILE + (column % TILE)) * WEIGHT_BYTES[dtype];
      if (dtype === 'float32') view.setFloat32(at, value, true);
      else if (Math.abs(value) >= LEAST_NORMAL) view.setUint16(at, halfOf(value), true);
    }
  }
}

const scratch = new DataView(new ArrayBuffer(4));

/** The bits of the nearest float16, ties to even. Node 20 has no `setFloat16`. @param value a normal float16 or near one */
function halfOf(value: number): number {
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  const rounded = (bits & 0x7fffffff) + 0xfff + ((bits >>> 13) & 1);
  return ((bits >>> 16) & 0x8000) | ((rounded >>> 13) - EXPONENT_BIAS);
}

const recordOffset = (layer: number, target: Target): number =>
  HEADER_BYTES + RECORD_BYTES * (layer * TARGETS.length + TARGETS.indexOf(target));

/**
 * Reads what a file changes, and checks that it is whole and for this base.
 * @returns a text if it is not: what is wrong
 */
export function readAdapter(file: Uint8Array, base: AdapterBase): AdapterContent | string {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.byteLength < HEADER_BYTES || MAGIC.split('').some((char, i) => file[i] !== char.charCodeAt(0)))
    return 'it is not a packed adapter of this version';
  const word = (index: number) => view.getUint32(MAGIC.length + index * WORD_BYTES, true);
  const found = { n_layer: word(0), n_embd: word(1), n_inner: word(2) };
  const other = (Object.keys(found) as (keyof AdapterBase)[]).find((name) => found[name] !== base[name]);
  if (other) return `its base has ${other} ${found[other]}, and this model has ${base[other]}`;
  const dtype = ADAPTER_DTYPES.find((name) => WEIGHT_BYTES[name] === word(3));
  if (!dtype) return `its weights have ${word(3)} bytes, expected 2 or 4`;
  const begin = recordOffset(base.n_layer, TARGETS[0]);
  if (file.byteLength < begin) return `it ends at byte ${file.byteLength}, within its header`;
  const layers: (LayerChange | undefined)[] = [];
  for (let layer = 0; layer < base.n_layer; layer++) {
    for (const target of TARGETS) {
      const record = recordOffset(layer, target);
      const rank = view.getUint32(record, true);
      const scale = view.getFloat32(record + 4, true);
      const [a, b] = [view.getUint32(record + 8, true), view.getUint32(record + 12, true)];
      layers.push(rank === 0 ? undefined : { rank, scale, a, b });
      if (rank === 0) continue;
      const name = `h.${layer}.${target}`;
      if (rank > MAX_RANK) return `${name} has rank ${rank}, more than ${MAX_RANK}`;
      if (!Number.isFinite(scale)) return `${name} has the scale ${scale}`;
      const [inputs, outputs] = shapeOf(target, base);
      const matrices = [
        [a, matrixBytes(inputs, rank, dtype)],
        [b, matrixBytes(rank, outputs, dtype)],
      ] as const;
      for (const [offset, bytes] of matrices) {
        if (offset < begin || offset % MATRIX_ALIGNMENT !== 0 || offset + bytes > file.byteLength)
          return `${name} has a matrix of ${bytes} bytes at byte ${offset} of ${file.byteLength}`;
      }
    }
  }
  return { dtype, layers };
}
