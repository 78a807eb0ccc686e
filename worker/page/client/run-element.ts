/** @module A run of the tree as SVG: its text, the figures above it, and the link to its parent. */
import { allowedLabels } from './allowed.ts';
import { setAttributes, setText, svg } from './dom.ts';
import type { Run } from './tree-layout.ts';

/** Raises a text above its link, which is drawn on the baseline. */
export const TEXT_OFFSET = '-0.4em';
/** Raises the figures above a text, in cells. */
const LABEL_OFFSET = 2.4;
/** Steps over which a dropped text fades, and its final opacity. */
const FADE_STEPS = 6;
const FADED_OPACITY = 0.8;

/** The SVG texts of a run: its words and its mark, and the figures above them. */
export class RunElement {
  readonly text = svg('text');
  readonly #allowed = svg('text', { class: 'allowed' });
  readonly #words = svg('tspan');
  readonly #mark = svg('tspan', { class: 'mark' });

  constructor() {
    this.text.append(this.#words, this.#mark);
  }

  remove(): void {
    this.text.remove();
    this.#allowed.remove();
  }

  /** @param cell width of a character */
  draw({ x, y, text, mark, status, age, last, nodes }: Run, cell: number): void {
    setAttributes(this.text, {
      x,
      y,
      dy: TEXT_OFFSET,
      class: `run ${status}${last.rank === 1 ? ' best' : ''}`,
    });
    this.text.style.opacity =
      status === 'dropped'
        ? String(Math.max(FADED_OPACITY, 1 - (age / FADE_STEPS) * (1 - FADED_OPACITY)))
        : '';
    setText(this.#words, text);
    setText(this.#mark, mark);
    const labels = allowedLabels(nodes);
    if (labels.length > 0 && !this.#allowed.isConnected) this.text.after(this.#allowed);
    while (this.#allowed.childElementCount > labels.length) this.#allowed.lastElementChild?.remove();
    for (const [i, label] of labels.entries()) {
      const figure = this.#allowed.children[i] ?? this.#allowed.appendChild(svg('tspan'));
      setAttributes(figure, { x: x + label.at * cell, y: y - LABEL_OFFSET * cell });
      setText(figure, label.text);
    }
  }
}

/** From the parent's end to this run, then underlining its text. */
export function linkPath({ from, x, y, endX }: Run): string {
  const middle = (from.turnX + x) / 2;
  const turn = from.y === y ? '' : `H${from.turnX}C${middle} ${from.y} ${middle} ${y} ${x} ${y}`;
  return `M${from.x} ${from.y}${turn}H${endX}`;
}
