/** @module Sequences of steps in `tokenizer.json`, flat. */
import { fail } from '../files/folder.ts';
import { MAX_TYPE_LENGTH, type Step } from '../files/tokenizer-json.ts';

/** Sequences in sequences; every real file has at most two. */
const MAX_DEPTH = 16;
const MAX_STEPS = 256;

export interface LocatedStep {
  readonly step: Step;
  /** File and field, for errors. */
  readonly location: string;
}

/**
 * The steps of a field, those of sequences in their place.
 * @param list the field in which a sequence has its steps
 * @throws CheckpointError for sequences that are no lists of steps, or too deep
 */
export function stepsOf(step: Step | null | undefined, location: string, list: string): LocatedStep[] {
  const steps: LocatedStep[] = [];
  collect(step, location, list, 0, steps);
  return steps;
}

function collect(step: unknown, location: string, list: string, depth: number, steps: LocatedStep[]): void {
  if (step === null || step === undefined) return;
  if (!isStep(step)) fail(location, 'expected an object with a type');
  if (step.type !== 'Sequence') {
    if (steps.length === MAX_STEPS) fail(location, `is one of more than ${MAX_STEPS} steps`);
    steps.push({ step, location });
    return;
  }
  if (depth === MAX_DEPTH) fail(location, `is in more than ${MAX_DEPTH} sequences`);
  const parts = step[list];
  if (!Array.isArray(parts)) fail(`${location}.${list}`, 'expected a list of steps');
  for (const [i, part] of parts.entries()) collect(part, `${location}.${list}.${i}`, list, depth + 1, steps);
}

function isStep(value: unknown): value is Step {
  if (typeof value !== 'object' || value === null || !('type' in value)) return false;
  return typeof value.type === 'string' && value.type.length <= MAX_TYPE_LENGTH;
}
