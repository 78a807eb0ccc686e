/** @module The model's defaults of decoding options, in requests that say nothing about them. */
import { OPTIONS, type OptionEntry, type OptionName } from '../../decoding/options/entries.ts';
import type { ModelDefaults } from '../../decoding/options/model-defaults.ts';
import { DEFAULTS, isUsed, type ResolvedOptions } from '../../decoding/options/options.ts';

/** The names of the fields that a request gives. */
export type GivenFields = ReadonlySet<string>;

/** Fields with which a request chooses its search itself, beside the options that only one kind of search uses. */
const SEARCH_FIELDS = ['do_sample', 'num_beams', 'num_beam_groups', 'best_of', 'num_return_sequences', 'n'];

/** Those that vLLM takes of a `generation_config.json`, `ModelConfig.get_diff_sampling_param`, with `max_new_tokens`. */
const OF_VLLM = ['repetition_penalty', 'temperature', 'top_k', 'top_p', 'min_p', 'max_new_tokens'] as const;

/** The defaults that a server of vLLM applies. */
export function vllmDefaults(defaults: ModelDefaults): ModelDefaults {
  const taken = OF_VLLM.filter((name) => defaults[name] !== undefined);
  return Object.fromEntries(taken.map((name) => [name, defaults[name]]));
}

/**
 * Completes a search with the model's defaults: its kind, unless the request chooses it, and all options that this kind
 * uses. A default is never a reason to refuse a request. `max_new_tokens` is left to the contract.
 * @param search of the request, with the contract's defaults
 */
export function withModelDefaults<Search extends Partial<ResolvedOptions>>(
  search: Search,
  given: GivenFields,
  defaults: ModelDefaults,
): Search {
  // The search of a catalogue uses none of them.
  if (Object.keys(defaults).length === 0 || search.catalogue !== undefined) return search;
  const kind = choosesSearch(given) ? {} : kindOf(defaults);
  const selected = { ...DEFAULTS, ...search, ...kind };
  const isLeft = ([name]: readonly [string, unknown]) =>
    !given.has(name) && isUsed(OPTIONS[name as OptionName] as OptionEntry, selected);
  const { do_sample: _, num_beams: __, max_new_tokens: ___, ...options } = defaults;
  // Another kind of search does not use all of the contract's defaults.
  const own = Object.entries(search).filter((entry) => given.has(entry[0]) || isLeft(entry));
  const filled = Object.entries(options).filter(isLeft);
  return { ...Object.fromEntries([...own, ...filled]), ...kind } as Search;
}

function choosesSearch(given: GivenFields): boolean {
  const options: [string, OptionEntry][] = Object.entries(OPTIONS);
  return (
    SEARCH_FIELDS.some((name) => given.has(name)) ||
    options.some(([name, { search }]) => search !== undefined && given.has(name))
  );
}

/** As in transformers, beams sample only if `do_sample` is true. */
function kindOf({ do_sample, num_beams }: ModelDefaults): Partial<ResolvedOptions> {
  if (num_beams !== undefined && num_beams > 1) return { num_beams, do_sample: do_sample ?? false };
  return do_sample === undefined ? {} : { do_sample };
}
