/**
 * @module Entries of a catalogue, suggested while one types: a combobox whose list follows the text. A request waits until
 * the typing pauses, and is cancelled by the next one.
 */
import type { Suggestion } from './api.ts';
import { byId, el, setAttributes, setText } from './dom.ts';

/** Shorter than between two keys of a fast typist, so that an answer is there at each pause. */
const PAUSE_MILLISECONDS = 40;
const NONE = -1;

export interface SuggestCalls {
  /** @throws the signal's reason if it was aborted */
  suggest(text: string, signal: AbortSignal): Promise<readonly Suggestion[]>;
  /** Draws the search for the text, which was chosen or is asked for as it is. */
  onChosen(text: string): void;
  onError(error: unknown): void;
}

export class SuggestView {
  readonly #details = byId('list', HTMLDetailsElement);
  readonly #input = byId('list-text', HTMLInputElement);
  readonly #list = byId('list-options', HTMLElement);
  readonly #hint = byId('list-hint', HTMLElement);
  readonly #error = byId('list-error', HTMLElement);
  readonly #calls: SuggestCalls;
  #timer: number | undefined;
  #running: AbortController | undefined;
  #selected = NONE;

  constructor(calls: SuggestCalls) {
    this.#calls = calls;
    this.#input.addEventListener('input', (event) => {
      // The form's own fields have not changed.
      event.stopPropagation();
      this.#schedule();
    });
    this.#input.addEventListener('keydown', (event) => this.#onKey(event));
    this.#details.addEventListener('toggle', () => {
      if (this.#details.open) this.#schedule();
    });
    this.#list.addEventListener('click', ({ target }) => {
      const option = target instanceof Element ? target.closest('[role=option]') : null;
      if (option) this.#choose(this.#options.indexOf(option));
    });
  }

  /** Shown if the server has a catalogue. */
  set isAvailable(available: boolean) {
    this.#details.hidden = !available;
  }

  get #options(): Element[] {
    return Array.from(this.#list.children);
  }

  #schedule(): void {
    window.clearTimeout(this.#timer);
    this.#running?.abort();
    this.#timer = window.setTimeout(() => void this.#suggest(), PAUSE_MILLISECONDS);
  }

  async #suggest(): Promise<void> {
    const controller = new AbortController();
    this.#running = controller;
    const startedAt = performance.now();
    try {
      const suggestions = await this.#calls.suggest(this.#input.value, controller.signal);
      if (controller.signal.aborted) return;
      const milliseconds = Math.round(performance.now() - startedAt);
      const count =
        suggestions.length === 0 ? 'Nothing in the list begins so' : `${suggestions.length} suggestions`;
      setText(this.#hint, `${count}, in ${milliseconds} ms.`);
      setText(this.#error, '');
      this.#show(suggestions);
    } catch (error) {
      if (controller.signal.aborted) return;
      setText(this.#error, error instanceof Error ? error.message : String(error));
      this.#show([]);
      this.#calls.onError(error);
    }
  }

  #show(suggestions: readonly Suggestion[]): void {
    this.#list.replaceChildren(
      ...suggestions.map(({ text, score }, i) =>
        el(
          'div',
          { class: 'suggestion', role: 'option', id: `list-option-${i}`, 'aria-selected': 'false' },
          el('span', {}, text),
          el('span', { class: 'score' }, score.toFixed(1).replace('-', '−')),
        ),
      ),
    );
    this.#select(NONE);
    this.#list.hidden = suggestions.length === 0;
    setAttributes(this.#input, { 'aria-expanded': String(suggestions.length > 0) });
  }

  #select(index: number): void {
    this.#selected = index;
    for (const [i, option] of this.#options.entries()) {
      setAttributes(option, { 'aria-selected': String(i === index) });
    }
    const option = this.#options[index];
    setAttributes(this.#input, { 'aria-activedescendant': option?.id ?? false });
    option?.scrollIntoView({ block: 'nearest' });
  }

  #onKey(event: KeyboardEvent): void {
    const { length } = this.#options;
    if (event.key === 'ArrowDown' && length > 0) this.#select((this.#selected + 1) % length);
    else if (event.key === 'ArrowUp' && length > 0) {
      this.#select(this.#selected <= 0 ? length - 1 : this.#selected - 1);
    } else if (event.key === 'Escape' && length > 0) this.#show([]);
    else if (event.key === 'Enter' && !event.ctrlKey && !event.metaKey) {
      if (this.#selected === NONE) this.#calls.onChosen(this.#input.value);
      else this.#choose(this.#selected);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #choose(index: number): void {
    // What was typed stays the search that is drawn: an entry alone has a tree of one path.
    const typed = this.#input.value;
    const chosen = this.#options[index]?.firstElementChild?.textContent ?? typed;
    this.#show([]);
    this.#input.value = chosen;
    this.#input.focus();
    this.#calls.onChosen(typed);
  }
}
