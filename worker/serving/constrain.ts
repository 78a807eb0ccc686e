/** @module Compiles the constraint of a request, and checks that the request has room for it. */
import type { Constraint } from '../../decoding/constraints/automaton/constraint.ts';
import { ConstraintError } from '../../decoding/constraints/automaton/errors.ts';
import { DecodingOptionsError } from '../../decoding/interface/errors.ts';
import { checkConstraint } from '../../decoding/options/check-against-model.ts';
import { ApiError } from '../http/errors.ts';
import type { ConstraintLimits } from '../isolate/constraints.ts';
import type { ServedModel } from '../isolate/served-model.ts';
import type { GenerationRequest, RequestedConstraint } from './request.ts';

/** @throws ApiError 400 for a constraint that cannot be compiled, or a maximum length without room for a whole text */
export function constraintOf(
  { constraints }: ServedModel,
  { constraint: wanted, options, prompts, fields }: GenerationRequest,
  limits: ConstraintLimits,
): Constraint | undefined {
  try {
    const constraint = wanted && constraints.compile(wanted.source, limits);
    for (const { healed } of prompts) {
      const after = constraint && healed ? constraints.after(healed.bytes, constraint) : constraint;
      checkConstraint(options, after, healed?.removed.length);
      // What fits after a prompt that is whole fits after healed ones, whose rest has room of its own.
      if (!after || !healed) break;
    }
    return constraint;
  } catch (error) {
    if (error instanceof ConstraintError && wanted) throw refusedConstraint(error, wanted);
    if (!(error instanceof DecodingOptionsError) || error.option !== 'max_new_tokens') throw error;
    const message = error.message.replaceAll('max_new_tokens', fields.maxTokens);
    throw new ApiError(400, message, { param: fields.maxTokens, code: 'invalid_value' });
  }
}

/**
 * Looks at the constraint of a request before its turn. What was compiled is not held, because nothing is reserved for it.
 * @returns whether that was done: the time for it is bounded
 * @throws ApiError as `constraintOf`
 */
export function isConstraintChecked(
  model: ServedModel,
  request: GenerationRequest,
  limits: ConstraintLimits,
): boolean {
  if (!request.constraint) return true;
  return model.constraints.tryAhead(() => constraintOf(model, request, limits));
}

/** The error of a constraint, at its place in the request. */
export function refusedConstraint(
  { place, message }: ConstraintError,
  { field }: RequestedConstraint,
): ApiError {
  const param = `${field}${place.replaceAll('/', '.')}`;
  return new ApiError(400, `'${param}': ${message}`, { param, code: 'invalid_constraint' });
}
