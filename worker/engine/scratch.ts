/** @module The tensors of one forward pass: made when it begins, gone when it ends, however it ends. */
import { ELEMENT_BYTES, type ElementType, type Ort, type Tensor } from './ort.ts';

export class Scratch {
  readonly #ort: Ort;
  readonly #tensors: Tensor[] = [];

  constructor(ort: Ort) {
    this.#ort = ort;
  }

  /** A tensor over borrowed memory. Its content is whatever was there before. */
  tensor(type: ElementType, dims: readonly number[]): Tensor {
    const pointer = this.#ort.heap.borrow(dims.reduce((product, dim) => product * dim, ELEMENT_BYTES[type]));
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
    for (const tensor of this.#tensors) {
      this.#ort.releaseTensor(tensor);
      this.#ort.heap.giveBack(tensor.pointer);
    }
    this.#tensors.length = 0;
  }
}
