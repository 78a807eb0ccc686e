/**
 * @module Reads pickles: a stack machine over the opcodes that Python's `pickle` writes for data at protocols 1 to
 * 5. https://github.com/python/cpython/blob/main/Lib/pickletools.py describes each.
 *
 * Nothing is executed. A name is looked up by the caller, who refuses what is not data.
 */
import { FormatError } from '../interface/format-error.ts';
import type { ByteReader } from './byte-reader.ts';
import { append, dictOf, PickleStack, setItems, tupleItems } from './pickle-stack.ts';
import { Callable, kindOf, type PickleValue, Tuple } from './values.ts';

/** What a pickle refers to. Each throws for what it does not know. */
export interface PickleNames {
  /** @param name e.g. `collections.OrderedDict`. */
  lookUp(name: string): PickleValue;
  /** An object that is stored outside of the pickle. */
  persistent(id: PickleValue): PickleValue;
}

/**
 * An opcode makes at most one small object, or copies arguments, which {@link PickleStack} counts: so this bounds
 * memory. The state dict of GPT-2 XL takes 23,000, and with its optimizer's 100,000.
 */
const MAX_OPCODES = 2_000_000;
/** Seeds and random states are no longer. */
const MAX_INTEGER_BYTES = 1024;

const STOP = 0x2e;

/**
 * Reads the pickle that starts at the reader's position.
 *
 * @throws FormatError that says what is wrong; what `names` throws.
 */
export function readPickle(reader: ByteReader, names: PickleNames): PickleValue {
  const stack = new PickleStack();
  for (let count = 0; count < MAX_OPCODES; count++) {
    const opcode = reader.uint8();
    if (opcode === STOP) return stack.pop();
    const execute = OPCODES.get(opcode);
    if (!execute) {
      const hex = opcode.toString(16).padStart(2, '0');
      throw new FormatError(
        `has a pickle with the opcode 0x${hex} at byte ${reader.position - 1}, which torch does not write`,
      );
    }
    execute(stack, reader, names);
  }
  throw new FormatError(`has a pickle of more than ${MAX_OPCODES} opcodes`);
}

type Execute = (stack: PickleStack, reader: ByteReader, names: PickleNames) => void;

const push =
  (read: (reader: ByteReader) => PickleValue): Execute =>
  (stack, reader) =>
    stack.push(read(reader));

/** Values, by the character of their opcode. */
const VALUES: Readonly<Record<string, Execute>> = {
  N: push(() => null),
  '\x88': push(() => true),
  '\x89': push(() => false),
  I: push((reader) => decimal(reader.line())),
  L: push((reader) => decimal(reader.line().replace(/L$/, ''))),
  J: push((reader) => reader.int32()),
  K: push((reader) => reader.uint8()),
  M: push((reader) => reader.uint16()),
  '\x8a': push((reader) => integer(reader.bytes(reader.uint8()))),
  '\x8b': push((reader) => integer(reader.bytes(reader.uint32()))),
  F: push((reader) => Number.parseFloat(reader.line())),
  G: push((reader) => reader.float64()),
  V: push((reader) => reader.line()),
  // In quotes.
  S: push((reader) => reader.line().slice(1, -1)),
  X: push((reader) => reader.text(reader.uint32())),
  '\x8c': push((reader) => reader.text(reader.uint8())),
  '\x8d': push((reader) => reader.text(reader.uint64())),
  // Python 2's `str`, which the names in its checkpoints are.
  T: push((reader) => reader.text(reader.uint32())),
  U: push((reader) => reader.text(reader.uint8())),
  B: push((reader) => reader.bytes(reader.uint32())),
  C: push((reader) => reader.bytes(reader.uint8())),
  '\x8e': push((reader) => reader.bytes(reader.uint64())),
  '\x96': push((reader) => reader.bytes(reader.uint64())),
};

const CONTAINERS: Readonly<Record<string, Execute>> = {
  ']': push(() => []),
  ')': push(() => new Tuple([])),
  '}': push(() => new Map()),
  '\x8f': push(() => new Set()),
  l: (stack) => stack.push(stack.popMark()),
  t: (stack) => stack.push(new Tuple(stack.popMark())),
  d: (stack) => stack.push(dictOf(stack.popMark())),
  '\x91': (stack) => stack.push(new Set(stack.popMark())),
  '\x85': (stack) => stack.push(new Tuple(stack.popItems(1))),
  '\x86': (stack) => stack.push(new Tuple(stack.popItems(2))),
  '\x87': (stack) => stack.push(new Tuple(stack.popItems(3))),
  a: (stack) => addTo(stack, stack.popItems(1)),
  e: (stack) => addTo(stack, stack.popMark()),
  '\x90': (stack) => addTo(stack, stack.popMark()),
  s: (stack) => setOn(stack, stack.popItems(2)),
  u: (stack) => setOn(stack, stack.popMark()),
};

const addTo = (stack: PickleStack, values: readonly PickleValue[]) => append(stack.top(), values);
const setOn = (stack: PickleStack, items: readonly PickleValue[]) => setItems(stack.top(), items);

const STACK: Readonly<Record<string, Execute>> = {
  '(': (stack) => stack.mark(),
  '0': (stack) => stack.pop(),
  '1': (stack) => stack.popMark(),
  '2': (stack) => stack.push(stack.top()),
  g: (stack, reader) => stack.recall(Number(reader.line())),
  h: (stack, reader) => stack.recall(reader.uint8()),
  j: (stack, reader) => stack.recall(reader.uint32()),
  p: (stack, reader) => stack.remember(Number(reader.line())),
  q: (stack, reader) => stack.remember(reader.uint8()),
  r: (stack, reader) => stack.remember(reader.uint32()),
  '\x94': (stack) => stack.remember(),
};

const NAMES_AND_CALLS: Readonly<Record<string, Execute>> = {
  c: (stack, reader, names) => stack.push(names.lookUp(nameIn(reader))),
  '\x93': (stack, _reader, names) => {
    const [module = null, name = null] = stack.popItems(2);
    if (typeof module !== 'string' || typeof name !== 'string') {
      throw new FormatError(`has a pickle that uses ${kindOf(module)} and ${kindOf(name)} as a name`);
    }
    stack.push(names.lookUp(`${module}.${name}`));
  },
  R: reduce,
  // A class of the allow-list makes the same object, whether it is called or instantiated.
  '\x81': reduce,
  '\x92': (stack) => {
    stack.pop();
    reduce(stack);
  },
  i: (stack, reader, names) => call(stack, names.lookUp(nameIn(reader)), stack.popMark()),
  o: (stack) => {
    const [callee = null, ...args] = stack.popMark();
    call(stack, callee, args);
  },
  // Attributes of an object, e.g. the versions of a state dict's modules. They are not weights.
  b: (stack) => {
    stack.pop();
    stack.top();
  },
  P: (stack, reader, names) => stack.push(names.persistent(reader.line())),
  Q: (stack, _reader, names) => stack.push(names.persistent(stack.pop())),
};

const PROTOCOL: Readonly<Record<string, Execute>> = {
  '\x80': (_stack, reader) => {
    const protocol = reader.uint8();
    if (protocol > 5) throw new FormatError(`has a pickle of protocol ${protocol}, expected at most 5`);
  },
  // The length of a part, for readers that fetch it.
  '\x95': (_stack, reader) => void reader.uint64(),
};

const OPCODES: ReadonlyMap<number, Execute> = new Map(
  Object.entries({ ...VALUES, ...CONTAINERS, ...STACK, ...NAMES_AND_CALLS, ...PROTOCOL }).map(
    ([character, execute]) => [character.charCodeAt(0), execute],
  ),
);

const nameIn = (reader: ByteReader) => `${reader.line()}.${reader.line()}`;

function reduce(stack: PickleStack): void {
  const [callee = null, args = null] = stack.popItems(2);
  call(stack, callee, tupleItems(args));
}

function call(stack: PickleStack, callee: PickleValue, args: readonly PickleValue[]): void {
  if (!(callee instanceof Callable)) throw new FormatError(`has a pickle that calls ${kindOf(callee)}`);
  stack.countArguments(args);
  stack.push(callee.call(args));
}

function decimal(text: string): PickleValue {
  if (text === '01') return true;
  if (text === '00') return false;
  if (!/^-?\d+$/.test(text) || text.length > MAX_INTEGER_BYTES) {
    throw new FormatError(`has a pickle with ${JSON.stringify(text.slice(0, 40))}, expected an integer`);
  }
  return narrow(BigInt(text));
}

/** Two's complement, little-endian. */
function integer(bytes: Uint8Array): PickleValue {
  if (bytes.length > MAX_INTEGER_BYTES) {
    throw new FormatError(
      `has a pickle with an integer of ${bytes.length} bytes, expected at most ${MAX_INTEGER_BYTES}`,
    );
  }
  const hex = Buffer.from(bytes).reverse().toString('hex');
  return narrow(BigInt.asIntN(8 * bytes.length, BigInt(hex === '' ? 0 : `0x${hex}`)));
}

/** @returns a number if it is exact. */
function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
