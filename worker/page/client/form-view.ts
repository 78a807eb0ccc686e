/** @module The form: prompt, kind of search, the options that apply to it, and their errors. */
import { byId, el } from './dom.ts';
import { FIELDS, type FieldName, initialOf } from './fields.ts';
import { COMMON_FIELDS, fieldsOf, SEARCH_NAMES, SEARCHES, type SearchName } from './searches.ts';
import type { Settings } from './settings.ts';

type Control = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

interface Row {
  readonly row: HTMLElement;
  readonly control: Control;
  readonly error: HTMLElement;
}

export class FormView {
  readonly form = byId('form', HTMLFormElement);
  readonly #prompt = byId('prompt', HTMLTextAreaElement);
  readonly #description = byId('search-description', HTMLElement);
  readonly #searchFields = byId('search-fields', HTMLElement);
  readonly #more = byId('more', HTMLDetailsElement);
  readonly #error = byId('form-error', HTMLElement);
  readonly #rows: Readonly<Record<string, Row>>;

  /** @param onChange called after every change by the user */
  constructor(onChange: () => void) {
    byId('searches', HTMLElement).append(...SEARCH_NAMES.map(searchChoice));
    const names = Object.keys(FIELDS) as FieldName[];
    const prompt = { row: this.#prompt, control: this.#prompt, error: byId('prompt-error', HTMLElement) };
    this.#rows = { prompt, ...Object.fromEntries(names.map((name) => [name, fieldRow(name)])) };
    const [first, ...others] = COMMON_FIELDS;
    this.#searchFields.after(...this.#elementsOf([first]));
    byId('more-fields', HTMLElement).append(...this.#elementsOf(others));
    this.form.addEventListener('input', () => {
      this.#showSearch();
      onChange();
    });
    this.#showSearch();
  }

  get settings(): Settings {
    const search = this.#search;
    const values = fieldsOf(search).map((name) => [name, this.#rows[name]?.control.value ?? '']);
    return { prompt: this.#prompt.value, search, values: Object.fromEntries(values) };
  }

  set settings({ prompt, search, values }: Settings) {
    this.#prompt.value = prompt;
    for (const input of this.#radios) input.checked = input.value === search;
    for (const name of Object.keys(FIELDS) as FieldName[]) {
      const control = this.#rows[name]?.control;
      if (control) control.value = values[name] ?? initialOf(name);
    }
    const isSet = (name: FieldName) => values[name] !== undefined && values[name] !== initialOf(name);
    if (COMMON_FIELDS.slice(1).some(isSet)) this.#more.open = true;
    this.clearErrors();
    this.#showSearch();
  }

  clearErrors(): void {
    this.#error.textContent = '';
    for (const { control, error } of Object.values(this.#rows)) {
      error.textContent = '';
      control.removeAttribute('aria-invalid');
    }
  }

  /** Shows the error at its field (`stop.0`: `stop`) if that is on screen, else above the options. */
  showError(message: string, param: string | null): void {
    const row = this.#rows[param?.split('.')[0] ?? ''];
    if (!row?.control.isConnected) {
      this.#error.textContent = message;
      return;
    }
    row.error.textContent = message;
    row.control.setAttribute('aria-invalid', 'true');
    const details = row.control.closest('details');
    if (details) details.open = true;
    row.control.focus();
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
    return names.flatMap((name) => this.#rows[name]?.row ?? []);
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
