/**
 * @module Reads elements of a strided tensor from its file, in the order of its shape.
 *
 * Tensors in the order of their storage, nearly all, are read as they lie. Of others, such as a transposed
 * matrix, the part of the storage that has the elements is read at once if that is not much larger than they are,
 * else in small pages: a block of rows of a transposed embedding is a part of each of its columns.
 */
import { elementsOf } from '../interface/stored-tensor.ts';
import type { TorchTensor } from './tensor.ts';

/** Reads bytes of the tensor's storage, at most up to its end. */
export type ReadStorage = (position: number, length: number) => Promise<Uint8Array<ArrayBuffer>>;

/** A part of the storage up to this size is read at once. */
const SPAN_BYTES = 1 << 24;
/** Elements have 1, 2, 4 or 8 bytes, so that none crosses a page. */
const PAGE_BYTES = 1 << 12;
/** What one round of pages takes: 32 MiB. */
const ROUND_PAGES = 1 << 13;
/** Pages next to each other are read at once, up to this many. */
const RUN_PAGES = 1 << 6;

/** @returns the bytes of `count` elements from `first`. */
export async function readStrided(
  tensor: TorchTensor,
  first: number,
  count: number,
  read: ReadStorage,
): Promise<Uint8Array<ArrayBuffer>> {
  const { elementType, offset } = tensor;
  const size = elementType.bytes;
  if (count === 0) return new Uint8Array(0);
  if (isContiguous(tensor)) return read((offset + first) * size, count * size);
  const bytes = new Uint8Array(count * size);
  let [lowest, highest] = [Number.POSITIVE_INFINITY, 0];
  walk(tensor, first, count, (position) => {
    if (position < lowest) lowest = position;
    if (position > highest) highest = position;
  });
  const spanBytes = (highest - lowest + 1) * size;
  if (spanBytes > Math.max(SPAN_BYTES, 2 * bytes.length)) {
    await gatherPages(tensor, first, bytes, read);
    return bytes;
  }
  const elements = elementView(bytes, size);
  const span = elementView(await read(lowest * size, spanBytes), size);
  walk(tensor, first, count, (position, i) => {
    elements[i] = span[position - lowest] as number;
  });
  return bytes;
}

/** A dimension of one element may have any stride. */
function isContiguous({ shape, stride }: TorchTensor): boolean {
  let expected = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    const length = shape[i] as number;
    if (length !== 1 && stride[i] !== expected) return false;
    expected *= length;
  }
  return true;
}

const elementView = (bytes: Uint8Array<ArrayBuffer>, size: number) =>
  new ({ 1: Uint8Array, 2: Uint16Array, 4: Uint32Array, 8: Float64Array })[size as 1 | 2 | 4 | 8](
    bytes.buffer,
  );

/** Calls `visit` with the place in the storage of each element from `first`, counted in elements. */
function walk(
  { shape, stride, offset }: TorchTensor,
  first: number,
  count: number,
  visit: (position: number, i: number) => void,
): void {
  const index = indexOf(shape, first);
  let position = index.reduce((sum, at, i) => sum + at * (stride[i] as number), offset);
  for (let n = 0; n < count; n++) {
    visit(position, n);
    for (let i = shape.length - 1; i >= 0; i--) {
      const at = (index[i] as number) + 1;
      position += stride[i] as number;
      index[i] = at;
      if (at < (shape[i] as number)) break;
      index[i] = 0;
      position -= at * (stride[i] as number);
    }
  }
}

/** @returns the index, by dimension, of an element that is `flat` in row-major order. */
function indexOf(shape: readonly number[], flat: number): number[] {
  return shape.map((length, i) => Math.floor(flat / elementsOf(shape.slice(i + 1))) % length);
}

async function gatherPages(
  tensor: TorchTensor,
  first: number,
  bytes: Uint8Array<ArrayBuffer>,
  read: ReadStorage,
): Promise<void> {
  const size = tensor.elementType.bytes;
  const elements = elementView(bytes, size);
  const pageElements = PAGE_BYTES / size;
  for (let begin = 0; begin < elements.length; ) {
    const numbers = new Set<number>();
    let end = begin;
    // A page of elements at least: the round ends between two of them.
    while (end < elements.length && numbers.size < ROUND_PAGES) {
      const step = Math.min(pageElements, elements.length - end);
      walk(tensor, first + end, step, (position) => numbers.add(Math.floor(position / pageElements)));
      end += step;
    }
    const pages = await readPages(numbers, tensor, read);
    const start = begin;
    walk(tensor, first + begin, end - begin, (position, i) => {
      const page = pages.get(Math.floor(position / pageElements));
      elements[start + i] = page?.[position % pageElements] as number;
    });
    begin = end;
  }
}

async function readPages(
  numbers: ReadonlySet<number>,
  { storage, elementType }: TorchTensor,
  read: ReadStorage,
) {
  const { bytes: size } = elementType;
  const storageBytes = storage.elements * storage.identity.type.elementType.bytes;
  const pages = new Map<number, ReturnType<typeof elementView>>();
  const sorted = Float64Array.from(numbers).sort();
  for (let i = 0; i < sorted.length; ) {
    const first = sorted[i] as number;
    let run = 1;
    while (run < RUN_PAGES && sorted[i + run] === first + run) run++;
    const position = first * PAGE_BYTES;
    const whole = Math.floor(Math.min(run * PAGE_BYTES, storageBytes - position) / size) * size;
    const bytes = elementView(await read(position, whole), size);
    for (let page = 0; page < run; page++) {
      const from = (page * PAGE_BYTES) / size;
      pages.set(first + page, bytes.subarray(from, from + PAGE_BYTES / size));
    }
    i += run;
  }
  return pages;
}
