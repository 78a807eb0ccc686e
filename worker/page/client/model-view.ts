/** @module The choice of a model: the base, or one of its adapters. It is shown where the server has any. */
import { byId, el } from './dom.ts';

export class ModelView {
  readonly control = byId('model-name', HTMLSelectElement);
  readonly error = byId('model-error', HTMLElement);
  readonly #row = byId('model-row', HTMLElement);
  readonly #base = el('option', { value: '' }, 'base');

  constructor() {
    this.control.append(this.#base);
  }

  /** @param names the base's, and those of its adapters */
  list([base, ...adapters]: readonly string[]): void {
    if (base !== undefined) this.#base.textContent = base;
    for (const name of adapters) this.#add(name);
  }

  /** The adapter; '' is the base. */
  get model(): string {
    return this.control.value;
  }

  /** A link may name an adapter before the server has listed it, or one that it does not have. */
  set model(name: string) {
    if (name !== '') this.#add(name);
    this.control.value = name;
  }

  #add(name: string): void {
    const isListed = Array.from(this.control.options).some(({ value }) => value === name);
    if (!isListed) this.control.append(el('option', { value: name }, name));
    this.#row.hidden = false;
  }
}
