/** @module Several automata that read the same text at once. */
import type { CompileBudget } from '../automaton/errors.ts';
import { Alphabet } from './alphabet.ts';
import { DEAD, type Dfa, explore, NO_LABEL, targetOf } from './dfa.ts';

/** The states of the automata that can still accept, as a list `[automaton, state, …]`. */
type Joint = readonly number[];

export interface Combination {
  /** Whether the text may go on at all, by the automata that can still accept. */
  isLive(joint: Joint): boolean;
  /** The label of the text, from a function that gives the label of an automaton; `NO_LABEL` if it may not end. */
  labelOf(joint: Joint, labels: (automaton: number) => number): number;
}

export function product(dfas: readonly Dfa[], { isLive, labelOf }: Combination, budget: CompileBudget): Dfa {
  const { alphabet, parts } = Alphabet.common(
    dfas.map((dfa) => dfa.alphabet),
    budget,
  );
  // For each automaton and each of its classes, the common classes that are parts of it.
  const wholes = parts.map((part, of) => {
    const lists: number[][] = Array.from({ length: (dfas[of] as Dfa).alphabet.size }, () => []);
    part.forEach((own, common) => {
      lists[own]?.push(common);
    });
    return lists;
  });
  const step = (joint: Joint, symbol: number): Joint | undefined => {
    budget.spendSteps(joint.length >>> 1);
    const next: number[] = [];
    for (let i = 0; i < joint.length; i += 2) {
      const of = joint[i] as number;
      const own = (parts[of] as number[])[symbol] as number;
      const target = targetOf(dfas[of] as Dfa, joint[i + 1] as number, own);
      if (target !== DEAD) next.push(of, target);
    }
    return isLive(next) ? next : undefined;
  };
  const start = dfas.flatMap(({ labels }, of) => (labels.length > 0 ? [of, 0] : []));
  return explore<Joint>(
    alphabet,
    isLive(start) ? start : undefined,
    (joint) => joint.join(),
    (joint) => {
      const symbols = new Set<number>();
      const labels = new Map<number, number>();
      for (let i = 0; i < joint.length; i += 2) {
        const of = joint[i] as number;
        const state = joint[i + 1] as number;
        const dfa = dfas[of] as Dfa;
        labels.set(of, dfa.labels[state] as number);
        for (let at = dfa.offsets[state] as number; at < (dfa.offsets[state + 1] as number); at++) {
          const common = (wholes[of] as number[][])[dfa.symbols[at] as number] as number[];
          for (const symbol of common) symbols.add(symbol);
        }
      }
      return {
        label: labelOf(joint, (automaton) => labels.get(automaton) ?? NO_LABEL),
        fallback: step(joint, 0),
        exceptions: Array.from(symbols, (symbol) => [symbol, step(joint, symbol)] as const),
      };
    },
    budget,
  );
}
