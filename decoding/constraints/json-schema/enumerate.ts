/** @module The values of a set that has few. */
import { hasNumber, type NumberPiece, numberOf } from './numbers.ts';
import type { StringPiece } from './strings.ts';
import { languageOfPiece } from './strings.ts';
import { type Algebra, FALSE, NOTHING, NULL, TRUE, type ValueNode, type ValueSet } from './values.ts';

/** @returns a set for each value; undefined if there are more than `max`, or arrays or objects among them */
export function valuesOf(node: ValueNode, nodes: Algebra, max: number): ValueNode[] | undefined {
  const { constants, numbers, strings, arrays, objects } = node.values;
  if (arrays.length + objects.length > 0) return undefined;
  const values: ValueSet[] = [NULL, TRUE, FALSE]
    .filter((bit) => constants & bit)
    .map((bit) => ({ ...NOTHING, constants: bit }));
  const ofNumbers = integersOf(numbers, max);
  const texts = textsOf(strings, nodes, max);
  if (!ofNumbers || !texts) return undefined;
  for (const number of ofNumbers) values.push({ ...NOTHING, numbers: [numberOf(number)] });
  for (const text of texts) values.push({ ...NOTHING, strings: [{ texts: new Set([text]) }] });
  return values.length > max ? undefined : values.map((value) => nodes.create('', () => value));
}

function integersOf(pieces: readonly NumberPiece[], max: number): Set<number> | undefined {
  const found = new Set<number>();
  for (const piece of pieces) {
    const { low, high, multiples } = piece;
    if (low === high) {
      found.add(low);
      continue;
    }
    const step = multiples.find(Number.isInteger);
    if (step === undefined || !((high - low) / step < max)) return undefined;
    for (let value = Math.ceil(low / step) * step; value <= high; value += step) {
      if (hasNumber(piece, value)) found.add(value + 0);
    }
  }
  return found;
}

function textsOf(pieces: readonly StringPiece[], { budget }: Algebra, max: number): Set<string> | undefined {
  const found = new Set<string>();
  for (const piece of pieces) {
    const texts = piece.texts ?? (piece.maxLength < max || piece.language ? listed(piece) : undefined);
    if (!texts) return undefined;
    for (const text of texts) found.add(text);
  }
  return found;

  function listed(piece: StringPiece): Iterable<string> | undefined {
    if (piece.texts) return piece.texts;
    // A set of long texts is not small, and costly to tell.
    if (!piece.language || (piece.language.longest === Infinity && piece.maxLength > max)) return undefined;
    return languageOfPiece(piece, budget).strings(max);
  }
}
