/** @module The part of the form for a constraint: its kind, its text, and an example of each kind. */
import { CONSTRAINT_KINDS, CONSTRAINTS, type Constraint, type ConstraintKind } from './constraint.ts';
import { byId, el, setAttributes, setText } from './dom.ts';

type Kind = ConstraintKind | 'none';

const KINDS: readonly Kind[] = ['none', ...CONSTRAINT_KINDS];

export class ConstraintView {
  readonly control = byId('constraint-text', HTMLTextAreaElement);
  readonly error = byId('constraint-error', HTMLElement);
  readonly #row = byId('constraint-row', HTMLElement);
  readonly #label = byId('constraint-label', HTMLElement);
  readonly #hint = byId('constraint-hint', HTMLElement);
  readonly #radios: readonly HTMLInputElement[];
  /** What was typed for each kind; the field shows that of the chosen one. */
  readonly #texts = new Map<ConstraintKind, string>();
  #kind: Kind = 'none';

  constructor() {
    this.#radios = KINDS.map((value) => el('input', { type: 'radio', name: 'constraint', value }));
    const titles = KINDS.map((kind) => (kind === 'none' ? 'Any text' : CONSTRAINTS[kind].title));
    byId('constraint-kinds', HTMLElement).append(
      ...this.#radios.map((input, i) => el('label', {}, input, el('span', {}, titles[i] ?? ''))),
    );
    byId('constraint-example', HTMLButtonElement).addEventListener('click', () => {
      if (this.#kind !== 'none') this.control.value = CONSTRAINTS[this.#kind].example;
      this.control.dispatchEvent(new Event('input', { bubbles: true }));
    });
  }

  get constraint(): Constraint | undefined {
    const kind = this.#kind;
    return kind === 'none' ? undefined : { kind, text: this.control.value };
  }

  set constraint(constraint: Constraint | undefined) {
    if (constraint) this.#texts.set(constraint.kind, constraint.text);
    const kind = constraint?.kind ?? 'none';
    for (const input of this.#radios) input.checked = input.value === kind;
    this.#show(kind);
  }

  /** Shows the field of the chosen kind: what was typed there before, or at first an example. */
  update(): void {
    const kind = KINDS.find((_, i) => this.#radios[i]?.checked) ?? 'none';
    if (kind === this.#kind) return;
    if (this.#kind !== 'none') this.#texts.set(this.#kind, this.control.value);
    this.#show(kind);
  }

  #show(kind: Kind): void {
    this.#kind = kind;
    this.#row.hidden = kind === 'none';
    this.error.textContent = '';
    this.control.removeAttribute('aria-invalid');
    if (kind === 'none') return;
    const { rows, description, example } = CONSTRAINTS[kind];
    setText(this.#label, `structured_outputs.${kind}`);
    setText(this.#hint, description);
    setAttributes(this.control, { rows });
    this.control.value = this.#texts.get(kind) ?? example;
  }
}
