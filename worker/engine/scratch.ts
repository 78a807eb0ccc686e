/** @module The memory and tensors of one forward pass: taken when it begins, gone when it ends, however it ends. */
import { ELEMENT_BYTES, type ElementType, type Ort, type Tensor } from './ort.ts';

export class Scratch {
  readonly #ort: Ort;
  readonly #tensors: Tensor[] = [];
  readonly #pointers: number[] = [];

  constructor(ort: Ort) {
    this.#ort = ort;
  }

  /** Memory with whatever was there before. */
  bytes(length: number): number {
    const pointer = this.#ort.heap.borrow(length);
    this.#pointers.push(pointer);
    return pointer;
  }

  tensor(type: ElementType, dims: readonly number[]): Tensor {
    const pointer = this.bytes(dims.reduce((product, dim) => product * dim, ELEMENT_BYTES[type]));
    const tensor = this.#ort.tensor(type, pointer, dims);
    this.#tensors.push(tensor);
    return tensor;
  }

  int64s(values: readonly number[]): Tensor {
    const tensor = this.tensor('int64', [values.length]);
    this.#ort.heap.int64s(tensor.pointer, values.length).set(values.map(BigInt));
    return tensor;
  }

  release(): void {
    for (const tensor of this.#tensors.splice(0)) this.#ort.releaseTensor(tensor);
    for (const pointer of this.#pointers.splice(0)) this.#ort.heap.giveBack(pointer);
  }
}
