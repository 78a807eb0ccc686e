/** @module The request on screen, to be copied. */
import { byId, el, setText } from './dom.ts';
import type { RequestBody } from './request.ts';
import { SNIPPET_NAMES, type SnippetName, snippet } from './snippets.ts';

/** So long the button says that it has copied. */
const SAID_MILLISECONDS = 2000;

export class SnippetView {
  readonly #code = byId('snippet', HTMLElement);
  readonly #names = byId('snippet-names', HTMLElement);
  #name: SnippetName = 'curl';
  #body: RequestBody = {};
  #keyed = false;

  constructor() {
    this.#names.append(...SNIPPET_NAMES.map((name) => this.#choice(name)));
    copyButton(byId('copy-snippet', HTMLButtonElement), () => this.#code.textContent);
    copyButton(byId('copy-link', HTMLButtonElement), () => location.href);
  }

  draw(body: RequestBody, keyed: boolean): void {
    this.#body = body;
    this.#keyed = keyed;
    setText(this.#code, snippet(this.#name, body, location.origin, keyed));
  }

  #choice(name: SnippetName): HTMLElement {
    const input = el('input', { type: 'radio', name: 'snippet', value: name });
    input.checked = name === this.#name;
    input.addEventListener('change', () => {
      this.#name = name;
      this.draw(this.#body, this.#keyed);
    });
    return el('label', {}, input, el('span', {}, name));
  }
}

function copyButton(button: HTMLButtonElement, text: () => string): void {
  const name = button.textContent;
  button.addEventListener('click', async () => {
    // Pages that are not served over HTTPS may not write there.
    const said = await navigator.clipboard.writeText(text()).then(
      () => 'Copied',
      () => 'Could not copy',
    );
    button.textContent = said;
    setTimeout(() => setText(button, name), SAID_MILLISECONDS);
  });
}
