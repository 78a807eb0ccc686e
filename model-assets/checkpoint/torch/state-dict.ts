/**
 * @module Finds the weights in what was saved: a state dict, or a dict of a training script that has one beside the
 * optimizer's state.
 */
import { FormatError } from '../interface/format-error.ts';
import { TorchTensor } from './tensor.ts';
import { kindOf, type PickleDict, type PickleValue } from './values.ts';

export type StateDict = ReadonlyMap<string, TorchTensor>;

/** Where training scripts put the weights. `module`: DeepSpeed. */
const WRAPPERS = ['model', 'state_dict', 'model_state_dict', 'model_state', 'module'] as const;

/**
 * @param root what was saved.
 * @throws FormatError if it has no state dict, or several.
 */
export function findStateDict(root: PickleValue): StateDict {
  if (!(root instanceof Map)) throw new FormatError(`contains ${kindOf(root)}, expected a state dict`);
  const wrapped = wrappedIn(root);
  if (wrapped.size > 1) {
    throw new FormatError(
      `has weights in ${[...wrapped.keys()].join(' and in ')}: save the one to convert as a file of its own, with torch.save`,
    );
  }
  const [tensors = tensorsOf(root)] = wrapped.values();
  if (tensors.size > 0) return tensors;
  const keys = [...root.keys()]
    .slice(0, 8)
    .map((key) => (typeof key === 'string' ? key.slice(0, 40) : kindOf(key)));
  const found = keys.length > 0 ? `its keys are ${keys.join(', ')}` : 'it is an empty dict';
  throw new FormatError(
    `has no state dict: ${found}; expected names of tensors, or one of ${WRAPPERS.join(', ')}`,
  );
}

/** @returns the state dicts in a dict of a training script, or in a dict within it, by their place: `model.state_dict`. */
function wrappedIn(root: PickleDict, place = ''): Map<string, StateDict> {
  const found = new Map<string, StateDict>();
  for (const name of WRAPPERS) {
    const value = root.get(name);
    const tensors = tensorsOf(value);
    if (tensors.size > 0) found.set(place + name, tensors);
    else if (value instanceof Map && place === '') {
      for (const inner of wrappedIn(value, `${name}.`)) found.set(...inner);
    }
  }
  return found;
}

/** @returns the tensors of a dict by name, none of any other value. */
function tensorsOf(value: PickleValue | undefined): StateDict {
  const tensors = new Map<string, TorchTensor>();
  if (!(value instanceof Map)) return tensors;
  for (const [name, item] of value) {
    if (typeof name === 'string' && item instanceof TorchTensor) tensors.set(name, item);
  }
  return tensors;
}

/** @returns the dict at a key of a dict. */
export function dictAt(root: PickleValue, key: string): PickleDict | undefined {
  const value = root instanceof Map ? root.get(key) : undefined;
  return value instanceof Map ? value : undefined;
}
