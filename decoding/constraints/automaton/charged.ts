/**
 * @module What compilations share. Each is charged once what the first one spent to build it: whether a constraint is
 * within its bounds does not depend on those that were compiled before.
 */
import type { CompileBudget } from './errors.ts';

export interface Charged<Value> {
  readonly value: Value;
  readonly steps: number;
  readonly states: number;
}

/**
 * The value of a key: built, or known and charged.
 * @param isKept whether to keep a value that was built; may make room for it
 * @throws ConstraintError beyond the limits of the budget
 */
export function chargedValue<Value extends object>(
  known: Map<string, Charged<Value>>,
  key: string,
  budget: CompileBudget,
  build: () => Value,
  isKept: (value: Value) => boolean = () => true,
): Value {
  budget.spendSteps();
  const own = budget.valuesOf(known);
  const charged = own.get(key);
  if (charged) return charged;
  const value = chargedOnce(known, key, budget, build, isKept);
  own.set(key, value);
  return value;
}

function chargedOnce<Value extends object>(
  known: Map<string, Charged<Value>>,
  key: string,
  budget: CompileBudget,
  build: () => Value,
  isKept: (value: Value) => boolean,
): Value {
  const before = known.get(key);
  if (before) {
    budget.spendSteps(before.steps);
    budget.spendStates(before.states);
    return before.value;
  }
  const { steps, states } = budget;
  const value = build();
  if (isKept(value)) known.set(key, { value, steps: budget.steps - steps, states: budget.states - states });
  return value;
}
