/**
 * @module The defaults that a model brings for decoding options: fields of its `generation_config.json`, under the same
 * names.
 */
import { describeIssue } from './describe-issue.ts';
import { OPTIONS, type OptionEntry, type OptionName } from './entries.ts';
import type { ResolvedOptions } from './options.ts';

/** Options that may have such a default. The others are a request's own business, or are not transformers'. */
export const MODEL_DEFAULTS = [
  'max_new_tokens',
  'do_sample',
  'num_beams',
  'early_stopping',
  'length_penalty',
  'temperature',
  'top_k',
  'top_p',
  'min_p',
  'top_h',
  'typical_p',
  'epsilon_cutoff',
  'eta_cutoff',
  'repetition_penalty',
  'no_repeat_ngram_size',
  'bad_words_ids',
  'suppress_tokens',
  'begin_suppress_tokens',
  'min_length',
  'min_new_tokens',
  'exponential_decay_length_penalty',
  'remove_invalid_values',
  'renormalize_logits',
] as const satisfies readonly OptionName[];

export type ModelDefaults = Partial<Pick<ResolvedOptions, (typeof MODEL_DEFAULTS)[number]>>;

interface DefaultFault {
  readonly name: string;
  /** What is wrong with the value, as a sentence about the field. */
  readonly message: string;
}

/**
 * @param values by name; null means no default
 * @param vocabSize token ids must be below
 * @returns the valid defaults, and a fault for each other value
 */
export function readModelDefaults(
  values: Readonly<Record<string, unknown>>,
  vocabSize: number,
): { readonly defaults: ModelDefaults; readonly faults: readonly DefaultFault[] } {
  const defaults: [string, unknown][] = [];
  const faults: DefaultFault[] = [];
  for (const [name, value] of Object.entries(values)) {
    if (value === null) continue;
    const read = readDefault(name, value, vocabSize);
    if ('fault' in read) faults.push({ name, message: read.fault });
    else defaults.push([name, read.value]);
  }
  return { defaults: Object.fromEntries(defaults) as ModelDefaults, faults };
}

function readDefault(
  name: string,
  value: unknown,
  vocabSize: number,
): { readonly value: unknown } | { readonly fault: string } {
  if (!MODEL_DEFAULTS.some((known) => known === name)) return { fault: `'${name}' is not used` };
  const { schema, tokenIds }: OptionEntry = OPTIONS[name as OptionName];
  const parsed = schema.safeParse(value, { reportInput: true });
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return {
      fault: issue ? describeIssue({ ...issue, path: [name, ...issue.path] }) : `'${name}' is invalid`,
    };
  }
  const outside = tokenIds?.(parsed.data)?.find((id) => id >= vocabSize);
  if (outside === undefined) return { value: parsed.data };
  return {
    fault: `'${name}' must have token ids below ${vocabSize}, the size of the vocabulary, not ${outside}`,
  };
}
