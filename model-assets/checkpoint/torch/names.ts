/** @module The names and storages that the pickle of a torch file refers to. */
import { FormatError } from '../interface/format-error.ts';
import { allowedName } from './allowed-names.ts';
import type { PickleNames } from './pickle.ts';
import { Storage, type StorageIdentity, StorageType } from './storage.ts';
import { kindOf, type PickleValue, Tuple } from './values.ts';

/** Classes of a whole model, as opposed to its state dict. */
const MODULE = /^(transformers|torch\.nn|__main__|model|peft)\b/;

/** Python's name for functions of `os` is that of the system's module. */
const asInPython = (name: string) => name.replace(/^(posix|nt)\.(.*)/, '$& (os.$2)');

/** Looks names up in the allow-list, and collects the storages. */
export class TorchNames implements PickleNames {
  readonly storages = new Map<string, StorageIdentity>();

  lookUp(name: string): PickleValue {
    const value = allowedName(name);
    if (value !== undefined) return value;
    const hint = MODULE.test(name)
      ? '. HINT: a state dict has no such names: torch.save(model.state_dict(), …), or model.save_pretrained(…)'
      : '';
    throw new FormatError(
      `refers to ${printable(asInPython(name))}, which is not part of a state dict: ` +
        `the file is refused, and nothing of it is executed${hint}`,
    );
  }

  /** `('storage', type, key, location, elements)`; old files add `(view's key, first element, elements)`. */
  persistent(id: PickleValue): Storage {
    const [kind, type, key, , elements, view] = id instanceof Tuple ? id.items : [];
    if (
      kind !== 'storage' ||
      !(type instanceof StorageType) ||
      typeof key !== 'string' ||
      !isCount(elements)
    ) {
      throw new FormatError(`has a pickle that refers to ${kindOf(id)} outside, expected a storage`);
    }
    const known = this.storages.get(key);
    if (known && (known.type !== type || known.elements !== elements)) {
      throw new FormatError(`has storage ${key} in two sizes or types`);
    }
    const identity = known ?? { key, type, elements };
    this.storages.set(key, identity);
    if (!(view instanceof Tuple)) return new Storage(identity);
    const [, first, count] = view.items;
    if (!isCount(first) || !isCount(count) || first + count > elements) {
      throw new FormatError(`has a view of storage ${key} beyond its ${elements} elements`);
    }
    return new Storage(identity, first, count);
  }
}

/** Of a hostile file: without control characters, and not endless. */
const printable = (name: string) => JSON.stringify(name.slice(0, 200)).slice(1, -1);

const isCount = (value: PickleValue | undefined): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

export const storageBytes = ({ type, elements }: StorageIdentity): number =>
  elements * type.elementType.bytes;
