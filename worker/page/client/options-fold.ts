/** @module The fold of the options: closed where the answer is below the form, open where it is beside it. */
import { byId } from './dom.ts';

/** The page has one column: the condition of style.css. */
const ONE_COLUMN = '(max-width: 59.99rem)';

export class OptionsFold {
  readonly #details = byId('options', HTMLDetailsElement);
  readonly #oneColumn = window.matchMedia(ONE_COLUMN);

  constructor() {
    const adapt = () => {
      this.#details.open = !this.#oneColumn.matches;
    };
    this.#oneColumn.addEventListener('change', adapt);
    adapt();
  }

  /** Closes it if the answer is below it. */
  close(): void {
    if (!this.#oneColumn.matches || !this.#details.open) return;
    // Hiding the focused field would lose the focus.
    if (this.#details.contains(document.activeElement)) {
      this.#details.querySelector('summary')?.focus({ preventScroll: true });
    }
    this.#details.open = false;
  }
}
