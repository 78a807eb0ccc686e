/**
 * @module Characters that differ in case only. Oniguruma's option `i` becomes sets of them: V8 (of Node 24) ignores the
 * option in expressions that are too large for its optimizations, as those with `\p{L}` are.
 */

/** Of the planes with letters that have a case. */
const END = 0x20000;

let variants: ReadonlyMap<number, readonly number[]> | undefined;

/** The characters that equal one without regard to case, itself included. Several characters for one, ß for ss, do not count. */
export function caseVariants(codePoint: number): readonly number[] {
  variants ??= allVariants();
  return variants.get(codePoint) ?? [codePoint];
}

function allVariants(): Map<number, readonly number[]> {
  const byFold = new Map<string, number[]>();
  for (let codePoint = 0; codePoint < END; codePoint++) {
    const character = String.fromCodePoint(codePoint);
    const fold = foldOf(character);
    if (fold === character && character.toUpperCase() === character) continue;
    byFold.set(fold, [...(byFold.get(fold) ?? []), codePoint]);
  }
  const all = new Map<number, readonly number[]>();
  for (const [fold, members] of byFold) {
    const own = fold.codePointAt(0) as number; // never empty
    const set = members.includes(own) ? members : [own, ...members];
    for (const member of set) all.set(member, set);
  }
  return all;
}

/** Of Unicode's CaseFolding.txt, what does not follow from upper and lower case: ı differs from i. */
const FOLDS: ReadonlyMap<string, string> = new Map([
  ['\u0131', '\u0131'],
  ['\u1fd3', '\u0390'],
  ['\u1fe3', '\u03b0'],
  ['\ufb05', '\ufb06'],
]);

/** The lower case of the upper case, if each is one character: s of ſ, k of the Kelvin sign. */
function foldOf(character: string): string {
  const fold = FOLDS.get(character);
  if (fold !== undefined) return fold;
  const upper = character.toUpperCase();
  const lower = ([...upper].length === 1 ? upper : character).toLowerCase();
  return [...lower].length === 1 ? lower : character;
}
