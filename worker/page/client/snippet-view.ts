/** @module The panel with the request as code, and its copy buttons. */
import { byId, el, setText } from './dom.ts';
import type { RequestBody } from './request.ts';
import { SNIPPET_NAMES, type SnippetName, snippet } from './snippets.ts';

/** How long a copy button shows the result. */
const CONFIRMATION_MILLISECONDS = 2000;

export class SnippetView {
  readonly #code = byId('snippet', HTMLElement);
  readonly #names = byId('snippet-names', HTMLElement);
  readonly #server: string;
  #name: SnippetName = 'curl';
  #body: RequestBody = {};
  #needsKey = false;

  /** @param server its address, without a slash at its end */
  constructor(server: string) {
    this.#server = server;
    this.#names.append(...SNIPPET_NAMES.map((name) => this.#choice(name)));
    copyButton(byId('copy-snippet', HTMLButtonElement), () => this.#code.textContent);
    copyButton(byId('copy-link', HTMLButtonElement), () => location.href);
  }

  draw(body: RequestBody, needsKey: boolean): void {
    this.#body = body;
    this.#needsKey = needsKey;
    setText(this.#code, snippet(this.#name, body, this.#server, needsKey));
  }

  #choice(name: SnippetName): HTMLElement {
    const input = el('input', { type: 'radio', name: 'snippet', value: name });
    input.checked = name === this.#name;
    input.addEventListener('change', () => {
      this.#name = name;
      this.draw(this.#body, this.#needsKey);
    });
    return el('label', {}, input, el('span', {}, name));
  }
}

function copyButton(button: HTMLButtonElement, text: () => string): void {
  const initialLabel = button.textContent;
  button.addEventListener('click', async () => {
    button.textContent = (await copied(text())) ? 'Copied' : 'Could not copy';
    setTimeout(() => setText(button, initialLabel), CONFIRMATION_MILLISECONDS);
  });
}

async function copied(text: string): Promise<boolean> {
  try {
    // The browser may deny access to the clipboard; over plain HTTP from another machine there is none.
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
