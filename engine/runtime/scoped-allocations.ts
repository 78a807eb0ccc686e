/** @module Memory, tensors and bound runs that belong together: taken as they are needed, given back at once. */
import { type ElementType, elementsBytes, type Ort } from './ort.ts';
import type { Bindings, Tensor } from './session.ts';
import { argumentBytes, type Session } from './session.ts';

export class ScopedAllocations {
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
    return this.view(type, this.bytes(elementsBytes(type, dims)), dims);
  }

  /** A tensor over memory that is somebody else's. */
  view(type: ElementType, pointer: number, dims: readonly number[]): Tensor {
    const tensor = this.#ort.tensor(type, pointer, dims);
    this.#tensors.push(tensor);
    return tensor;
  }

  int64s(values: readonly number[]): Tensor {
    const tensor = this.tensor('int64', [values.length]);
    this.#ort.heap.int64s(tensor.pointer, values.length).set(values.map(BigInt));
    return tensor;
  }

  /** A run whose arguments are written once, for many times. */
  bind(session: Session, inputs: Bindings, outputs: Bindings): () => void {
    return session.bind(inputs, outputs, this.bytes(argumentBytes(inputs, outputs)));
  }

  release(): void {
    for (const tensor of this.#tensors.splice(0)) this.#ort.releaseTensor(tensor);
    for (const pointer of this.#pointers.splice(0)) this.#ort.heap.giveBack(pointer);
  }
}
