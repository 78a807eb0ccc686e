/** @module The LoRA adapters of the deployed model, as requests name them. */
import type { AdaptersExhaustedError } from '../../engine/cache/errors.ts';
import type { Engine } from '../../engine/engine.ts';
import type { ModelFilesError } from '../../engine/model/errors.ts';
import { describeAdapterSpace, mebibytes } from '../../engine/model/plan.ts';
import { ApiError } from '../http/errors.ts';

export interface RequestedAdapter {
  readonly name: string;
  /** The full name of its field in the contract, for error messages. */
  readonly field: string;
}

/** The part of a manifest that says which adapters there are. */
type Model = Pick<Engine['manifest'], 'name' | 'adapters'>;

/**
 * @param requested undefined: none
 * @throws ApiError 404 for a name that no adapter of the model has
 */
export function adapterOf(
  model: Model,
  requested: string | undefined,
  field: string,
): RequestedAdapter | undefined {
  if (requested === undefined) return undefined;
  if (adapterNames(model).includes(requested)) return { name: requested, field };
  const what = describeAdapters(model);
  throw new ApiError(404, `The adapter '${requested}' does not exist; ${what}`, {
    param: field,
    code: 'adapter_not_found',
  });
}

export const adapterNames = ({ adapters = [] }: Model): readonly string[] => adapters.map(({ name }) => name);

/** `this is 'gpt2', with the adapters 'a', 'b'` */
export function describeAdapters(model: Model): string {
  const quoted = adapterNames(model).map((name) => `'${name}'`);
  const shown = quoted.slice(0, MAX_SHOWN).join(', ') + (quoted.length > MAX_SHOWN ? ' …' : '');
  return `this is '${model.name}'${quoted.length > 0 ? `, with the adapters ${shown}` : ''}`;
}

const MAX_SHOWN = 10;

/** The refusal of an adapter for which there is never space, with the sum. */
export function exceedsAdapterSpace(
  { requested }: AdaptersExhaustedError,
  { plan }: Engine,
  { name, field }: RequestedAdapter,
): ApiError {
  return new ApiError(
    400,
    `The adapter '${name}' needs ${mebibytes(requested)} MiB, and this deployment has for adapters: ` +
      describeAdapterSpace(plan),
    { param: field, code: 'adapter_too_large' },
  );
}

/** The error of an adapter whose file is faulty, which is logged. */
export function unavailableAdapter(error: ModelFilesError, { name, field }: RequestedAdapter): ApiError {
  console.error(error);
  return new ApiError(500, `The adapter '${name}' cannot be loaded: ${error.message}`, {
    param: field,
    code: 'adapter_unavailable',
  });
}
