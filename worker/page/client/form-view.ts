/** @module The form: prompt, model, kind of search, constraint, the options that apply, and their errors. */
import { ConstraintView } from './constraint-view.ts';
import { byId, el } from './dom.ts';
import { FIELDS, type FieldName, initialOf } from './fields.ts';
import { ModelView } from './model-view.ts';
import { COMMON_FIELDS, fieldsOf, SEARCH_NAMES, SEARCHES, type SearchName } from './searches.ts';
import type { Settings } from './settings.ts';

/** The name of a constraint's field in the API. */
const CONSTRAINT = 'structured_outputs';

type Control = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

interface ErrorPlace {
  readonly control: Control;
  readonly error: HTMLElement;
}

interface Row extends ErrorPlace {
  readonly row: HTMLElement;
}

export class FormView {
  readonly form = byId('form', HTMLFormElement);
  readonly #prompt = byId('prompt', HTMLTextAreaElement);
  readonly #description = byId('search-description', HTMLElement);
  readonly #searchFields = byId('search-fields', HTMLElement);
  readonly #more = byId('more', HTMLDetailsElement);
  readonly #error = byId('form-error', HTMLElement);
  readonly model = new ModelView();
  readonly #constraint = new ConstraintView();
  readonly #rows: Readonly<Record<FieldName, Row>>;
  readonly #errorPlaces: Readonly<Record<string, ErrorPlace>>;

  /** @param onChange called after every change by the user */
  constructor(onChange: () => void) {
    byId('searches', HTMLElement).append(...SEARCH_NAMES.map(searchChoice));
    const names = Object.keys(FIELDS) as FieldName[];
    this.#rows = Object.fromEntries(names.map((name) => [name, fieldRow(name)])) as Record<FieldName, Row>;
    const prompt = { control: this.#prompt, error: byId('prompt-error', HTMLElement) };
    this.#errorPlaces = { prompt, model: this.model, [CONSTRAINT]: this.#constraint, ...this.#rows };
    const [first, ...others] = COMMON_FIELDS;
    this.#searchFields.after(...this.#elementsOf([first]));
    byId('more-fields', HTMLElement).append(...this.#elementsOf(others));
    this.form.addEventListener('input', () => {
      this.#showSearch();
      this.#constraint.update();
      onChange();
    });
    this.#showSearch();
  }

  get settings(): Settings {
    const search = this.#search;
    const values = fieldsOf(search).map((name) => [name, this.#rows[name].control.value]);
    const { constraint } = this.#constraint;
    const { model } = this.model;
    return {
      ...{ prompt: this.#prompt.value, search, values: Object.fromEntries(values) },
      ...(model && { model }),
      ...(constraint && { constraint }),
    };
  }

  set settings({ prompt, search, values, model = '', constraint }: Settings) {
    this.#prompt.value = prompt;
    for (const input of this.#radios) input.checked = input.value === search;
    for (const name of Object.keys(FIELDS) as FieldName[]) {
      this.#rows[name].control.value = values[name] ?? initialOf(name);
    }
    const isSet = (name: FieldName) => values[name] !== undefined && values[name] !== initialOf(name);
    if (COMMON_FIELDS.slice(1).some(isSet)) this.#more.open = true;
    this.model.model = model;
    this.#constraint.constraint = constraint;
    this.clearErrors();
    this.#showSearch();
  }

  clearErrors(): void {
    this.#error.textContent = '';
    for (const { control, error } of Object.values(this.#errorPlaces)) {
      error.textContent = '';
      control.removeAttribute('aria-invalid');
    }
  }

  /** Shows the error at its field (`stop.0`: `stop`) if that is on screen, else above the options. */
  showError(message: string, param: string | null): void {
    const place = this.#errorPlaces[param?.split('.')[0] ?? ''];
    if (!place?.control.isConnected) {
      this.#error.textContent = message;
      return;
    }
    const { control, error } = place;
    error.textContent = message;
    control.setAttribute('aria-invalid', 'true');
    for (const details of this.form.querySelectorAll('details')) {
      if (details.contains(control)) details.open = true;
    }
    control.focus();
  }

  get #radios(): NodeListOf<HTMLInputElement> {
    return this.form.querySelectorAll<HTMLInputElement>('input[name=search]');
  }

  get #search(): SearchName {
    const checked = Array.from(this.#radios).find((input) => input.checked);
    return SEARCH_NAMES.find((name) => name === checked?.value) ?? 'beam';
  }

  #showSearch(): void {
    const { description, fields } = SEARCHES[this.#search];
    this.#description.textContent = description;
    const rows = this.#elementsOf(fields);
    const shown = Array.from(this.#searchFields.children);
    // Replaced only if different: one of them may have the focus.
    if (rows.length !== shown.length || rows.some((row, i) => row !== shown[i]))
      this.#searchFields.replaceChildren(...rows);
  }

  #elementsOf(names: readonly FieldName[]): HTMLElement[] {
    return names.map((name) => this.#rows[name].row);
  }
}

function searchChoice(name: SearchName): HTMLElement {
  const input = el('input', {
    type: 'radio',
    name: 'search',
    value: name,
    'aria-describedby': 'search-description',
  });
  return el('label', {}, input, el('span', {}, SEARCHES[name].title));
}

function fieldRow(name: FieldName): Row {
  const { description, limits } = FIELDS[name];
  const control = controlOf(name);
  const error = el('p', { class: 'error', id: `${name}-error`, role: 'alert' });
  const text = limits ? `${description} (${limits})` : description;
  const row = el(
    'div',
    { class: 'field' },
    el('label', { for: name }, name),
    control,
    el('p', { class: 'hint', id: `${name}-hint` }, text),
    error,
  );
  return { row, control, error };
}

function controlOf(name: FieldName): Control {
  const { kind, min, max, step, options = [] } = FIELDS[name];
  const common = { id: name, name, 'aria-describedby': `${name}-hint ${name}-error` };
  if (kind === 'choice') return el('select', common, ...options.map((option) => el('option', {}, option)));
  if (kind === 'lines') return el('textarea', { ...common, rows: 1, spellcheck: 'false' });
  const limits = { min: min ?? false, max: max ?? false, step: step ?? 1 };
  return el('input', {
    ...common,
    ...limits,
    type: 'number',
    inputmode: kind === 'integer' && min !== undefined ? 'numeric' : 'text',
  });
}
