/**
 * @module The names that a torch file may refer to, and what they stand for here. Nearly the list that
 * `torch.load(weights_only=True)` allows; https://docs.pytorch.org/docs/stable/notes/serialization.html
 */

import { FormatError } from '../interface/format-error.ts';
import { dictOf } from './pickle-stack.ts';
import { ElementType, Storage, StorageType } from './storage.ts';
import { TorchTensor } from './tensor.ts';
import { Callable, kindOf, Opaque, type PickleDict, type PickleValue, Tuple } from './values.ts';

/** Storage classes and dtypes of torch, with safetensors' name and the bytes of an element. */
const ELEMENT_TYPES: readonly (readonly [
  storage: string | undefined,
  dtype: string,
  name: string,
  bytes: number,
])[] = [
  ['Double', 'float64', 'F64', 8],
  ['Float', 'float32', 'F32', 4],
  ['Half', 'float16', 'F16', 2],
  ['BFloat16', 'bfloat16', 'BF16', 2],
  ['Long', 'int64', 'I64', 8],
  ['Int', 'int32', 'I32', 4],
  ['Short', 'int16', 'I16', 2],
  ['Char', 'int8', 'I8', 1],
  ['Byte', 'uint8', 'U8', 1],
  ['Bool', 'bool', 'BOOL', 1],
  ['ComplexFloat', 'complex64', 'C64', 8],
  ['ComplexDouble', 'complex128', 'C128', 16],
  [undefined, 'uint16', 'U16', 2],
  [undefined, 'uint32', 'U32', 4],
  [undefined, 'uint64', 'U64', 8],
  [undefined, 'float8_e4m3fn', 'F8_E4M3', 1],
  [undefined, 'float8_e5m2', 'F8_E5M2', 1],
];

const BYTE = new ElementType('U8', 1);

/** Beside the weights in files of training. Their values are not looked at. */
const OPAQUE_NAMES = [
  'argparse.Namespace',
  'builtins.bytearray',
  'builtins.complex',
  'builtins.slice',
  '_codecs.encode',
  'datetime.date',
  'datetime.datetime',
  'datetime.timedelta',
  'numpy.dtype',
  'numpy.ndarray',
  'numpy.core.multiarray.scalar',
  'numpy.core.multiarray._reconstruct',
  'numpy._core.multiarray.scalar',
  'numpy._core.multiarray._reconstruct',
  'pathlib.Path',
  'pathlib.PosixPath',
  'pathlib.PurePosixPath',
  'pathlib.WindowsPath',
  'pathlib.PureWindowsPath',
  'pathlib._local.PosixPath',
  'pathlib._local.WindowsPath',
  'torch.device',
  'torch.serialization._get_layout',
];

/** `OrderedDict()`, and of Python 2 `OrderedDict([[key, value], …])`. */
function orderedDict([items]: readonly PickleValue[]): PickleDict {
  if (!Array.isArray(items)) return new Map();
  return dictOf(
    items.flatMap((item) => (item instanceof Tuple ? item.items : Array.isArray(item) ? item : [item])),
  );
}

/** `(storage, offset, size, stride, requires_grad, backward_hooks, metadata)` */
function rebuildTensor(args: readonly PickleValue[]): TorchTensor {
  return tensorOf(args, undefined, args[6]);
}

/** As above, with the dtype before the metadata: types that have no storage class. */
function rebuildTensorV3(args: readonly PickleValue[]): TorchTensor {
  const [, , , , , , type, metadata] = args;
  if (!(type instanceof ElementType)) throw new FormatError(`has a tensor with ${kindOf(type)} as its dtype`);
  return tensorOf(args, type, metadata);
}

function tensorOf(
  [storage, offset, size, stride]: readonly PickleValue[],
  type: ElementType | undefined,
  metadata: PickleValue | undefined,
): TorchTensor {
  if (!(storage instanceof Storage))
    throw new FormatError(`has a tensor with ${kindOf(storage)} as its storage`);
  // The sign bits of an imaginary part, which the storage does not have.
  if (metadata instanceof Map && (metadata.get('neg') === true || metadata.get('conj') === true)) {
    throw new FormatError('has a tensor whose values are those of its storage negated');
  }
  const elementType = type ?? storage.identity.type.elementType;
  return new TorchTensor(storage, elementType, count(offset), counts(size), counts(stride));
}

function count(value: PickleValue | undefined): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new FormatError(`has a tensor with ${kindOf(value)} in its shape, expected an integer from 0`);
}

/** More are not possible in torch. */
const MAX_DIMENSIONS = 64;

function counts(value: PickleValue | undefined): number[] {
  const items = value instanceof Tuple ? value.items : value;
  if (Array.isArray(items) && items.length <= MAX_DIMENSIONS) return items.map(count);
  throw new FormatError(`has a tensor with ${kindOf(value)} as its shape`);
}

/** `(tensor, …)`: a parameter is its tensor. */
function rebuildParameter([tensor]: readonly PickleValue[]): TorchTensor {
  if (tensor instanceof TorchTensor) return tensor;
  throw new FormatError(`has a parameter made of ${kindOf(tensor)}`);
}

/** `(function, type, args, state)`: a tensor with attributes. */
function rebuildFromType([rebuild, , args]: readonly PickleValue[]): PickleValue {
  // None of them calls another: what is within another is not deep.
  if (rebuild instanceof Callable && rebuild.name.startsWith('torch._utils.') && args instanceof Tuple) {
    return rebuild.call(args.items);
  }
  throw new FormatError(`has a tensor made by ${kindOf(rebuild)}`);
}

const CALLS: Readonly<Record<string, (args: readonly PickleValue[]) => PickleValue>> = {
  'collections.OrderedDict': orderedDict,
  'collections.defaultdict': () => new Map(),
  'collections.Counter': ([dict]) => (dict instanceof Map ? dict : new Map()),
  'builtins.set': ([items]) => new Set(Array.isArray(items) ? items : []),
  'builtins.frozenset': ([items]) => new Set(Array.isArray(items) ? items : []),
  'torch._utils._rebuild_tensor': rebuildTensor,
  'torch._utils._rebuild_tensor_v2': rebuildTensor,
  'torch._utils._rebuild_tensor_v3': rebuildTensorV3,
  'torch._utils._rebuild_parameter': rebuildParameter,
  'torch._utils._rebuild_parameter_with_state': rebuildParameter,
  'torch._tensor._rebuild_from_type_v2': rebuildFromType,
  'torch.Size': ([items]) => items ?? new Tuple([]),
  // Names of classes, which occur as arguments. Neither has a value in a state dict.
  'torch.Tensor': () => new Opaque(),
  'torch.nn.parameter.Parameter': rebuildParameter,
  ...Object.fromEntries(OPAQUE_NAMES.map((name) => [name, () => new Opaque()])),
};

const ALLOWED: ReadonlyMap<string, PickleValue> = new Map<string, PickleValue>([
  ...Object.entries(CALLS).map(([name, call]) => [name, new Callable(name, call)] as const),
  ...ELEMENT_TYPES.flatMap(([storage, dtype, name, bytes]) => {
    const elementType = new ElementType(name, bytes);
    const type = new StorageType(elementType, true);
    const storages = storage ? [`torch.${storage}Storage`, `torch.cuda.${storage}Storage`] : [];
    return [[`torch.${dtype}`, elementType] as const, ...storages.map((full) => [full, type] as const)];
  }),
  ['torch.storage.UntypedStorage', new StorageType(BYTE, false)],
]);

/** Pickles of protocols 1 and 2 use Python 2's name of the module. */
const PYTHON_2 = /^__builtin__\./;

/** @returns what a name stands for; undefined if it is not allowed. */
export const allowedName = (name: string): PickleValue | undefined =>
  ALLOWED.get(name.replace(PYTHON_2, 'builtins.'));
