/** @module Draws the tree as SVG with few elements, which are reused from step to step. */
import { describeAllowed, nodeAt } from './allowed.ts';
import { byId, el, setAttributes, setText, svg } from './dom.ts';
import { cellWidth, signed, toVisible } from './numbers.ts';
import { linkPath, RunElement, TEXT_OFFSET } from './run-element.ts';
import type { SearchRecord } from './search-record.ts';
import { pathTo, type TreeNode } from './search-tree.ts';
import { type Layout, layoutTree, type Run } from './tree-layout.ts';
import { describeRun, type OutlineItem, outlineOf } from './tree-outline.ts';

/** In cells: widths of a character. */
const LINE_HEIGHT = 3.1;
/** With figures above the texts. */
const CONSTRAINED_LINE_HEIGHT = 4.3;
/** Maximum width of the prompt's end before the tree, in cells. */
const PROMPT_WIDTH = 16;
const ZOOM_STEP = 1.25;
const MINIMUM_ZOOM = 0.2;
const MAXIMUM_ZOOM = 3;

export class TreeView {
  readonly #scroller = byId('tree-scroller', HTMLElement);
  readonly #drawing = byId('tree', SVGSVGElement);
  readonly #description = byId('tree-description', HTMLElement);
  readonly #legend = byId('allowed-legend', HTMLElement);
  readonly #outline = byId('outline', HTMLDetailsElement);
  readonly #showDropped = byId('show-dropped', HTMLInputElement);
  readonly #links = {
    dropped: svg('path'),
    finished: svg('path'),
    active: svg('path'),
    winner: svg('path'),
    traced: svg('path'),
  };
  readonly #root = svg('circle', { class: 'root' });
  readonly #prompt = svg('text', { class: 'prompt-end' });
  readonly #bands = svg('g');
  readonly #texts = svg('g');
  readonly #elements = new Map<unknown, RunElement>();
  #zoom = 1;
  #cell = 0;
  #record: SearchRecord | null = null;
  #step = 0;
  #layout: Layout | null = null;
  /** What the pointer is at. */
  #traced: TracedToken | null = null;

  constructor() {
    for (const [name, path] of Object.entries(this.#links)) path.setAttribute('class', `link ${name}`);
    this.#drawing.append(this.#bands, ...Object.values(this.#links), this.#root, this.#prompt, this.#texts);
    this.#showDropped.addEventListener('change', () => this.#redraw());
    this.#outline.addEventListener('toggle', () => this.#drawOutline());
    byId('zoom-in', HTMLElement).addEventListener('click', () => this.#zoomTo(this.#zoom * ZOOM_STEP));
    byId('zoom-out', HTMLElement).addEventListener('click', () => this.#zoomTo(this.#zoom / ZOOM_STEP));
    byId('zoom-fit', HTMLElement).addEventListener('click', () => {
      const { width = 1 } = this.#layout ?? {};
      this.#zoomTo(Math.min(1, this.#scroller.clientWidth / width));
    });
    this.#scroller.addEventListener('scroll', () => this.#placeGroupNames(), { passive: true });
    this.#drawing.addEventListener('pointermove', (event) => this.#trace(this.#tokenAt(event)));
    this.#drawing.addEventListener('pointerleave', () => this.#trace(null));
  }

  /** @param followsNewest whether to scroll to the newest step */
  draw(record: SearchRecord, step: number, followsNewest: boolean): void {
    if (this.#record !== record) this.#clear();
    this.#record = record;
    this.#step = step;
    this.#redraw();
    if (followsNewest) this.#scroller.scrollLeft = this.#scroller.scrollWidth;
  }

  #clear(): void {
    this.#elements.clear();
    this.#texts.replaceChildren();
    this.#zoom = 1;
    this.#trace(null);
  }

  #redraw(): void {
    if (!this.#record) return;
    this.#cell ||= measureCell(this.#drawing);
    const prompt = endOfPrompt(this.#record.prompt);
    const { tree } = this.#record;
    const line = this.#cell * (tree.isConstrained ? CONSTRAINED_LINE_HEIGHT : LINE_HEIGHT);
    this.#legend.hidden = !tree.isConstrained;
    const metrics = { cell: this.#cell, line, prompt: cellWidth(prompt) };
    const layout = layoutTree(tree, this.#step, metrics, this.#showDropped.checked);
    this.#layout = layout;
    this.#drawLinks(layout);
    this.#drawBands(layout);
    this.#drawRuns(layout);
    const { x, y } = layout.root;
    setAttributes(this.#root, { cx: x, cy: y, r: this.#cell * 0.4 });
    setAttributes(this.#prompt, { x: this.#cell * 0.5, y, dy: TEXT_OFFSET });
    setText(this.#prompt, prompt);
    this.#resize();
    this.#drawOutline();
  }

  #drawLinks({ runs }: Layout): void {
    const paths = { dropped: '', finished: '', active: '', winner: '' };
    const best = runs.find(({ last }) => last.rank === 1);
    const winning = new Set(best ? pathTo(best.last) : []);
    for (const run of runs) {
      const isWinner = run.nodes.every((node) => winning.has(node));
      paths[isWinner ? 'winner' : run.status] += linkPath(run);
    }
    for (const name of ['dropped', 'finished', 'active', 'winner'] as const) {
      this.#links[name].setAttribute('d', paths[name]);
    }
  }

  #drawBands({ bands, width }: Layout): void {
    const namedBands = bands.length > 1 ? bands : [];
    const parts = namedBands.flatMap(({ top }, i) => {
      const line = svg('line', { class: 'band', x1: 0, x2: width, y1: top, y2: top });
      const name = svg('text', { class: 'group', y: top + this.#cell * 2 });
      name.textContent = `group ${i + 1}`;
      return i === 0 ? [name] : [line, name];
    });
    this.#bands.replaceChildren(...parts);
    this.#placeGroupNames();
  }

  /** Keeps the group names at the left edge of the visible part. */
  #placeGroupNames(): void {
    const x = this.#scroller.scrollLeft / this.#zoom + this.#cell * 0.5;
    for (const name of this.#bands.querySelectorAll('text')) setAttributes(name, { x });
  }

  #drawRuns({ runs }: Layout): void {
    const unused = new Set(this.#elements.keys());
    for (const run of runs) {
      const [key] = run.nodes;
      unused.delete(key);
      let element = this.#elements.get(key);
      if (!element) {
        element = new RunElement();
        this.#elements.set(key, element);
        this.#texts.append(element.text);
      }
      element.draw(run, this.#cell);
    }
    for (const key of unused) {
      this.#elements.get(key)?.remove();
      this.#elements.delete(key);
    }
  }

  #zoomTo(zoom: number): void {
    this.#zoom = Math.min(Math.max(zoom, MINIMUM_ZOOM), MAXIMUM_ZOOM);
    this.#resize();
  }

  #resize(): void {
    const { width = 0, height = 0 } = this.#layout ?? {};
    setAttributes(this.#drawing, {
      viewBox: `0 0 ${width} ${height}`,
      width: width * this.#zoom,
      height: height * this.#zoom,
    });
  }

  #drawOutline(): void {
    if (!this.#outline.open || !this.#layout || !this.#record) return;
    const hasGroups = this.#layout.bands.length > 1;
    const list = outlineList(outlineOf(this.#layout, hasGroups));
    byId('outline-list', HTMLElement).replaceChildren(list);
  }

  #tokenAt({ target, clientX, clientY }: PointerEvent): TracedToken | null {
    const element = target instanceof Element ? target.closest('text') : null;
    const run = this.#layout?.runs.find(
      ({ nodes: [first] }) => element && this.#elements.get(first)?.text === element,
    );
    if (!run || !element) return null;
    const point = new DOMPoint(clientX, clientY).matrixTransform(element.getScreenCTM()?.inverse());
    const index = element.getCharNumAtPosition(point);
    return { run, token: index < 0 ? undefined : nodeAt(run.nodes, index) };
  }

  /** Highlights the path from the prompt to a run, and describes the run, and a token of it, in words. */
  #trace(traced: TracedToken | null): void {
    if (traced && traced.run === this.#traced?.run && traced.token === this.#traced.token) return;
    this.#traced = traced;
    if (!traced || !this.#layout) {
      this.#links.traced.setAttribute('d', '');
      setText(this.#description, 'Point at a text to trace its path.');
      return;
    }
    const { run, token } = traced;
    const path = new Set(pathTo(run.last));
    const runs = this.#layout.runs.filter(({ nodes: [first] }) => first && path.has(first));
    this.#links.traced.setAttribute('d', runs.map(linkPath).join(''));
    const text = runs.map(({ text }) => text).join('');
    const score = run.mark === '' ? ` · score ${signed(run.last.score)}` : '';
    const allowed = token ? describeAllowed(token) : '';
    this.#description.replaceChildren(
      ...(allowed ? [el('b', {}, allowed), ' '] : []),
      el('span', { class: 'prose' }, text),
      ` ${describeRun(run, this.#layout.bands.length > 1)}${score}`,
    );
  }
}

interface TracedToken {
  readonly run: Run;
  /** Undefined at the run's mark. */
  readonly token: TreeNode | undefined;
}

function outlineList(items: readonly OutlineItem[]): HTMLElement {
  return el(
    'ul',
    {},
    ...items.map(({ text, children }) =>
      el('li', {}, text, ...(children.length > 0 ? [outlineList(children)] : [])),
    ),
  );
}

function endOfPrompt(prompt: string): string {
  const shown = toVisible(prompt);
  return cellWidth(shown) <= PROMPT_WIDTH
    ? shown
    : `…${Array.from(shown)
        .slice(1 - PROMPT_WIDTH)
        .join('')}`;
}

/** Measures the width of a character in the tree's font. */
function measureCell(drawing: SVGSVGElement): number {
  const ruler = svg('text', { class: 'run' });
  ruler.textContent = '0'.repeat(100);
  drawing.append(ruler);
  const width = ruler.getComputedTextLength() / 100;
  ruler.remove();
  return width;
}
