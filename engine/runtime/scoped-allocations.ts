/** @module Memory, tensors and bound runs with one lifetime: allocated one by one, released together. */
import { type ElementType, type Ort, tensorByteLength } from './ort.ts';
import { argumentBytes, type Bindings, type Session, type Tensor } from './session.ts';

export class ScopedAllocations {
  readonly #ort: Ort;
  readonly #tensors: Tensor[] = [];
  readonly #pointers: number[] = [];

  constructor(ort: Ort) {
    this.#ort = ort;
  }

  /** Allocates uninitialized memory. */
  allocate(bytes: number): number {
    const pointer = this.#ort.heap.allocateReserved(bytes);
    this.#pointers.push(pointer);
    return pointer;
  }

  tensor(type: ElementType, dims: readonly number[]): Tensor {
    return this.view(type, this.allocate(tensorByteLength(type, dims)), dims);
  }

  /** A tensor over memory that the caller owns. */
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

  /** A repeatable run whose arguments are written once. */
  bind(session: Session, inputs: Bindings, outputs: Bindings): () => void {
    return session.bind(inputs, outputs, this.allocate(argumentBytes(inputs, outputs)));
  }

  release(): void {
    for (const tensor of this.#tensors.splice(0)) this.#ort.releaseTensor(tensor);
    for (const pointer of this.#pointers.splice(0)) this.#ort.heap.freeReserved(pointer);
  }
}
