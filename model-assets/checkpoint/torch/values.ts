/** @module The values of a pickle. None of them is code: a name that a pickle calls stands for a rebuild of ours. */
import type { ElementType, Storage, StorageType } from './storage.ts';
import type { TorchTensor } from './tensor.ts';

export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleValue[]
  | Tuple
  | Set<PickleValue>
  | PickleDict
  | Callable
  | ElementType
  | StorageType
  | Storage
  | TorchTensor
  | Opaque;

/** A `dict`, also an `OrderedDict`. */
export type PickleDict = Map<PickleValue, PickleValue>;

export class Tuple {
  readonly items: readonly PickleValue[];

  constructor(items: readonly PickleValue[]) {
    this.items = items;
  }
}

/** A name of the allow-list, and what a call of it gives. */
export class Callable {
  readonly name: string;
  readonly call: (args: readonly PickleValue[]) => PickleValue;

  constructor(name: string, call: (args: readonly PickleValue[]) => PickleValue) {
    this.name = name;
    this.call = call;
  }
}

/** Something beside the weights, e.g. a path among the arguments of a training run: allowed, and not looked at. */
export class Opaque {}

/** @returns the type of a value for errors. Does not look into it: a pickle can contain itself. */
export function kindOf(value: PickleValue | undefined): string {
  if (value === null || value === undefined) return 'nothing';
  if (typeof value !== 'object') return `the ${typeof value} ${String(value).slice(0, 40)}`;
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Map) return 'a dict';
  if (value instanceof Uint8Array) return 'bytes';
  if (value instanceof Callable) return value.name;
  return `a ${value.constructor.name.toLowerCase()}`;
}
