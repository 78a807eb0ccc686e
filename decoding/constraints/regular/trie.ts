/** @module The automaton of a list of strings. */
import { type CompileBudget, ConstraintError } from '../automaton/errors.ts';
import { Alphabet } from './alphabet.ts';
import { isSurrogate } from './code-points.ts';
import { ACCEPTED, DEAD, type Dfa, DfaBuilder, NO_LABEL } from './dfa.ts';

interface Node {
  readonly id: number;
  ends: boolean;
  readonly next: Map<number, Node>;
}

/**
 * A tree, not minimal.
 * @throws ConstraintError if a string has a lone surrogate, or beyond the budget
 */
export function trieOf(strings: Iterable<string>, budget: CompileBudget): Dfa {
  const root: Node = { id: 0, ends: false, next: new Map() };
  const nodes = [root];
  const used = new Set<number>();
  for (const string of strings) {
    let node = root;
    for (const character of string) {
      budget.spendSteps();
      const codePoint = character.codePointAt(0) as number;
      if (isSurrogate(codePoint))
        throw new ConstraintError(`the string ${JSON.stringify(string)} has a lone surrogate`);
      used.add(codePoint);
      let next = node.next.get(codePoint);
      if (!next) {
        next = { id: nodes.length, ends: false, next: new Map() };
        nodes.push(next);
        node.next.set(codePoint, next);
      }
      node = next;
    }
    node.ends = true;
  }
  const { alphabet, members } = Alphabet.ofSets(
    Array.from(used, (codePoint) => [codePoint, codePoint]),
    budget,
  );
  const classes = new Map(Array.from(used, (codePoint, i) => [codePoint, members[i]?.[0] as number]));
  const builder = new DfaBuilder();
  for (const { ends, next } of nodes) {
    const row = new Map(Array.from(next, ([codePoint, node]) => [classes.get(codePoint) as number, node.id]));
    const last = row.get(0) ?? DEAD;
    if (last !== DEAD) {
      // A string has the last code point, whose class is the fallback.
      for (let symbol = 1; symbol < alphabet.size; symbol++) row.set(symbol, row.get(symbol) ?? DEAD);
    }
    builder.add(ends ? ACCEPTED : NO_LABEL, last, [...row]);
  }
  return builder.build(alphabet);
}
