/**
 * @module What compilations share. Each is charged what the first one spent to build it: whether a constraint is within
 * its bounds does not depend on those that were compiled before.
 */
import type { CompileBudget } from './errors.ts';

export interface Charged<Value> {
  readonly value: Value;
  readonly steps: number;
  readonly states: number;
}

/** Builds a value, and notes what that spends. */
export function noteCharge<Value>(budget: CompileBudget, build: () => Value): Charged<Value> {
  const { steps, states } = budget;
  const value = build();
  return { value, steps: budget.steps - steps, states: budget.states - states };
}

/** @throws ConstraintError beyond the limits of the budget */
export function charge<Value>(budget: CompileBudget, { value, steps, states }: Charged<Value>): Value {
  budget.spendSteps(steps);
  budget.spendStates(states);
  return value;
}
