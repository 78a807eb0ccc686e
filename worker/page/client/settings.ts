/** @module The form's values as typed, and their encoding in the URL fragment, which no server receives. */
import { CONSTRAINT_KINDS, type Constraint } from './constraint.ts';
import { type FieldName, initialOf } from './fields.ts';
import { fieldsOf, SEARCH_NAMES, type SearchName } from './searches.ts';

export interface Settings {
  readonly prompt: string;
  readonly search: SearchName;
  /** By name, as typed. A missing field has its initial value. */
  readonly values: Readonly<Partial<Record<FieldName, string>>>;
  /** An adapter. Missing: the base. */
  readonly model?: string;
  /** Missing: any text. */
  readonly constraint?: Constraint;
}

export const INITIAL_SETTINGS: Settings = { prompt: 'Once upon a time', search: 'beam', values: {} };

export const valueIn = ({ values }: Settings, name: FieldName): string => values[name] ?? initialOf(name);

/** Encodes what applies to the search and differs from its initial value. Without the `#`. */
export function toFragment(settings: Settings): string {
  const parameters = new URLSearchParams();
  const { prompt, search, model, constraint } = settings;
  if (prompt !== INITIAL_SETTINGS.prompt) parameters.set('prompt', prompt);
  if (search !== INITIAL_SETTINGS.search) parameters.set('search', search);
  if (model) parameters.set('model', model);
  for (const name of fieldsOf(search)) {
    const value = valueIn(settings, name);
    if (value !== initialOf(name)) parameters.set(name, value);
  }
  if (constraint) parameters.set(constraint.kind, constraint.text);
  return parameters.toString();
}

export interface SharedSearch {
  readonly settings: Settings;
  /** Whether to start at once. */
  readonly run: boolean;
}

/** Ignores unknown names and kinds of search: links are edited by hand. */
export function fromFragment(fragment: string): SharedSearch {
  const parameters = new URLSearchParams(fragment.replace(/^#/, ''));
  const search = SEARCH_NAMES.find((name) => name === parameters.get('search')) ?? INITIAL_SETTINGS.search;
  const values = fieldsOf(search).flatMap((name) => {
    const value = parameters.get(name);
    return value === null ? [] : [[name, value] as const];
  });
  const constraints = CONSTRAINT_KINDS.flatMap((kind) => {
    const text = parameters.get(kind);
    return text === null ? [] : [{ kind, text }];
  });
  const [constraint] = constraints;
  const model = parameters.get('model');
  return {
    settings: {
      prompt: parameters.get('prompt') ?? INITIAL_SETTINGS.prompt,
      search,
      values: Object.fromEntries(values),
      ...(model && { model }),
      ...(constraint && { constraint }),
    },
    run: parameters.get('run') === '1',
  };
}
