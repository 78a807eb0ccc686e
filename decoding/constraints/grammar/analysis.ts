/** @module What must be known of a grammar's rules before it reads: their shortest texts, first bytes, and order. */
import type { CompileBudget } from '../automaton/errors.ts';
import { Heap } from '../automaton/heap.ts';
import { atMost, base, type GrammarSymbol, MAX_DISTANCE, type Place, Repeat, Rule } from './symbols.ts';

/** An alternative whose rules are not all known yet. */
interface Production {
  readonly owner: Rule;
  distance: number;
  missing: number;
}

interface Use {
  readonly production: Production;
  readonly times: number;
}

/** Finds the least number of bytes of each rule: rules with shorter texts first, as Knuth generalised Dijkstra's way. */
export function findDistances(rules: readonly Rule[], budget: CompileBudget): void {
  const uses = new Map<Rule, Use[]>();
  const queue = new Heap<Production>();
  for (const owner of rules) {
    if (owner.mayBeEmpty) queue.push(0, { owner, distance: 0, missing: 0 });
    for (const alternative of owner.alternatives) {
      const production: Production = { owner, distance: 0, missing: 0 };
      for (let at: Place | undefined = alternative; at; at = at.tail) {
        budget.spendSteps();
        const times = timesOf(at.head);
        const symbol = base(at.head);
        if (times === 0) continue;
        if (!(symbol instanceof Rule)) {
          production.distance += times * symbol.distance;
          continue;
        }
        production.missing++;
        const others = uses.get(symbol);
        if (others) others.push({ production, times });
        else uses.set(symbol, [{ production, times }]);
      }
      if (production.missing === 0) queue.push(production.distance, production);
    }
  }
  for (let next = queue.pop(); next; next = queue.pop()) {
    const { owner, distance } = next;
    if (owner.distance <= distance || atMost(distance) === Infinity) continue;
    owner.distance = distance;
    for (const { production, times } of uses.get(owner) ?? []) {
      production.distance += times * distance;
      if (--production.missing === 0) queue.push(production.distance, production);
    }
  }
}

function timesOf(symbol: GrammarSymbol): number {
  let times = 1;
  for (let at = symbol; at instanceof Repeat; at = at.item)
    times = Math.min(times * at.min, MAX_DISTANCE + 1);
  return times;
}

/**
 * Orders the rules so that each comes before those with which its texts may begin, and finds their first bytes.
 * @param refuse throws the error for a rule that may begin with itself
 */
export function orderRules(
  rules: readonly Rule[],
  budget: CompileBudget,
  refuse: (rule: Rule) => never,
): void {
  /** Undefined for rules that are not reached yet, 0 for those on the way, else the rules that begin within each other. */
  const depths = new Map<Rule, number>();
  let rank = rules.length;
  for (const root of rules) {
    if (depths.has(root)) continue;
    const stack = [visit(root, budget)];
    depths.set(root, 0);
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const next = top.starts[top.next++];
      if (!next) {
        top.rule.rank = rank--;
        depths.set(top.rule, finish(top.rule, top.starts, depths, budget));
        stack.pop();
      } else if (!depths.has(next)) {
        budget.checkDepth(stack.length);
        stack.push(visit(next, budget));
        depths.set(next, 0);
      } else if (depths.get(next) === 0) refuse(next);
    }
  }
}

function visit(rule: Rule, budget: CompileBudget): { rule: Rule; starts: readonly Rule[]; next: number } {
  const starts = new Set<Rule>();
  for (const alternative of rule.alternatives) {
    for (let at: Place | undefined = alternative; at; at = at.tail) {
      budget.spendSteps();
      const symbol = base(at.head);
      if (symbol instanceof Rule) starts.add(symbol);
      if (at.head.distance > 0) break;
    }
  }
  return { rule, starts: [...starts], next: 0 };
}

/** Of a rule whose starts are finished. */
function finish(
  rule: Rule,
  starts: readonly Rule[],
  depths: ReadonlyMap<Rule, number>,
  budget: CompileBudget,
): number {
  const depth = 1 + starts.reduce((most, start) => Math.max(most, depths.get(start) ?? 0), 0);
  budget.checkDepth(depth);
  rule.alternatives = rule.alternatives.filter(({ distance }) => distance < Infinity);
  for (const alternative of rule.alternatives) {
    for (let at: Place | undefined = alternative; at; at = at.tail) {
      rule.first.addAll(at.head.first);
      if (at.head.distance > 0) break;
    }
  }
  return depth;
}
