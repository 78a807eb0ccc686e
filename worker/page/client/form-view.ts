/** @module The form: prompt, search, the options that apply to it, and what is wrong with them. */
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
  readonly #meaning = byId('search-meaning', HTMLElement);
  readonly #own = byId('own-fields', HTMLElement);
  readonly #more = byId('more', HTMLDetailsElement);
  readonly #error = byId('form-error', HTMLElement);
  readonly #rows: Readonly<Record<string, Row>>;

  /** @param changed is called whenever something is */
  constructor(changed: () => void) {
    byId('searches', HTMLElement).append(...SEARCH_NAMES.map(searchChoice));
    const names = Object.keys(FIELDS) as FieldName[];
    const prompt = { row: this.#prompt, control: this.#prompt, error: byId('prompt-error', HTMLElement) };
    this.#rows = { prompt, ...Object.fromEntries(names.map((name) => [name, fieldRow(name)])) };
    const [first, ...others] = COMMON_FIELDS;
    this.#own.after(...this.#elementsOf([first]));
    byId('more-fields', HTMLElement).append(...this.#elementsOf(others));
    this.form.addEventListener('input', () => {
      this.#showSearch();
      changed();
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

  /** At its field, where it has one on screen: `stop.0` is of `stop`. */
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
    const { meaning, fields } = SEARCHES[this.#search];
    this.#meaning.textContent = meaning;
    const rows = this.#elementsOf(fields);
    const shown = Array.from(this.#own.children);
    // What stays is not touched: it may have the focus.
    if (rows.length !== shown.length || rows.some((row, i) => row !== shown[i]))
      this.#own.replaceChildren(...rows);
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
    'aria-describedby': 'search-meaning',
  });
  return el('label', {}, input, el('span', {}, SEARCHES[name].title));
}

function fieldRow(name: FieldName): Row {
  const { meaning, limits } = FIELDS[name];
  const control = controlOf(name);
  const error = el('p', { class: 'error', id: `${name}-error`, role: 'alert' });
  const text = limits ? `${meaning} (${limits})` : meaning;
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
