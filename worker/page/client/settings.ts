/** @module What the form says, as it was typed, and how that stands in the address: behind `#`, where no server sees it. */
import { type FieldName, initialOf } from './fields.ts';
import { fieldsOf, SEARCH_NAMES, type SearchName } from './searches.ts';

export interface Settings {
  readonly prompt: string;
  readonly search: SearchName;
  /** By name, as typed; what is not here is what the form begins with. */
  readonly values: Readonly<Partial<Record<FieldName, string>>>;
}

export const INITIAL: Settings = { prompt: 'Once upon a time', search: 'beam', values: {} };

export const valueIn = ({ values }: Settings, name: FieldName): string => values[name] ?? initialOf(name);

/** Only what differs from what the form begins with, and applies to the search. Without its `#`. */
export function toFragment(settings: Settings): string {
  const parameters = new URLSearchParams();
  const { prompt, search } = settings;
  if (prompt !== INITIAL.prompt) parameters.set('prompt', prompt);
  if (search !== INITIAL.search) parameters.set('search', search);
  for (const name of fieldsOf(search)) {
    const value = valueIn(settings, name);
    if (value !== initialOf(name)) parameters.set(name, value);
  }
  return parameters.toString();
}

export interface SharedSearch {
  readonly settings: Settings;
  /** Whether it is to begin at once. */
  readonly run: boolean;
}

/** What is not known is passed over: an address is typed, shortened and sent around. */
export function fromFragment(fragment: string): SharedSearch {
  const parameters = new URLSearchParams(fragment.replace(/^#/, ''));
  const search = SEARCH_NAMES.find((name) => name === parameters.get('search')) ?? INITIAL.search;
  const given = fieldsOf(search).flatMap((name) => {
    const value = parameters.get(name);
    return value === null ? [] : [[name, value] as const];
  });
  return {
    settings: {
      prompt: parameters.get('prompt') ?? INITIAL.prompt,
      search,
      values: Object.fromEntries(given),
    },
    run: parameters.get('run') === '1',
  };
}
