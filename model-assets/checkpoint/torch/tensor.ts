/** @module A tensor of a pickle: a strided view of a storage. */
import { FormatError } from '../interface/format-error.ts';
import { elementsOf } from '../interface/stored-tensor.ts';
import type { ElementType, Storage } from './storage.ts';

/** Of a tensor that repeats elements of a smaller storage (`expand`): it has no size in the file to bound it. */
const MAX_EXPANDED_ELEMENTS = 1 << 24;

export class TorchTensor {
  readonly storage: Storage;
  readonly elementType: ElementType;
  /** First element, counted in the storage. */
  readonly offset: number;
  readonly shape: readonly number[];
  /** Elements of the storage between neighbours, by dimension. */
  readonly stride: readonly number[];

  /** @throws FormatError if it reaches beyond its storage. */
  constructor(
    storage: Storage,
    elementType: ElementType,
    offset: number,
    shape: readonly number[],
    stride: readonly number[],
  ) {
    this.storage = storage;
    this.elementType = elementType;
    this.offset = offset;
    this.shape = shape;
    this.stride = stride;
    this.#checkBounds();
  }

  /** @returns the same elements as the transposed matrix. */
  transposed(): TorchTensor {
    const { storage, elementType, offset, shape, stride } = this;
    return new TorchTensor(storage, elementType, offset, shape.toReversed(), stride.toReversed());
  }

  #checkBounds(): void {
    const { shape, stride, offset, storage, elementType } = this;
    if (shape.length !== stride.length) {
      throw new FormatError(`has ${shape.length} dimensions and ${stride.length} strides`);
    }
    const elements = elementsOf(shape);
    if (elements === 0) return;
    const available = Math.floor(
      (storage.elements * storage.identity.type.elementType.bytes) / elementType.bytes,
    );
    const last = shape.reduce((sum, size, i) => sum + (size - 1) * (stride[i] as number), offset);
    if (last >= available) {
      throw new FormatError(
        `[${shape}] with strides [${stride}] at ${offset} reaches element ${last} of a storage of ${available}`,
      );
    }
    if (elements > Math.max(available, MAX_EXPANDED_ELEMENTS)) {
      throw new FormatError(
        `[${shape}] repeats a storage of ${available} elements, and may have at most ${MAX_EXPANDED_ELEMENTS}`,
      );
    }
  }
}
