/** @module Storages of a torch file: the memory that its tensors are views of. */

/** A `torch.dtype`. */
export class ElementType {
  /** Under safetensors' name: `F32`. */
  readonly name: string;
  /** Of one element. */
  readonly bytes: number;

  constructor(name: string, bytes: number) {
    this.name = name;
    this.bytes = bytes;
  }
}

/** A storage class, e.g. `torch.FloatStorage`. Of `UntypedStorage`, elements are bytes. */
export class StorageType {
  readonly elementType: ElementType;
  readonly isTyped: boolean;

  constructor(elementType: ElementType, isTyped: boolean) {
    this.elementType = elementType;
    this.isTyped = isTyped;
  }
}

/** The memory of one or more tensors, in the file. */
export interface StorageIdentity {
  readonly key: string;
  readonly type: StorageType;
  /** Size in elements of `type`. */
  readonly elements: number;
}

/** A storage as a pickle refers to it: for a view of old files, a part of that with the `key`. */
export class Storage {
  readonly identity: StorageIdentity;
  /** Where it begins, in elements of the identity's. */
  readonly first: number;
  readonly elements: number;

  constructor(identity: StorageIdentity, first = 0, elements = identity.elements) {
    this.identity = identity;
    this.first = first;
    this.elements = elements;
  }
}
