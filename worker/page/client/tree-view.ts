/** @module The tree in SVG: few elements, kept from step to step. */
import { byId, el, setAttributes, setText, svg } from './dom.ts';
import { cellsOf, signed, visible } from './numbers.ts';
import type { SearchRecord } from './search-record.ts';
import { pathTo } from './search-tree.ts';
import { type Layout, layOut, type Run } from './tree-layout.ts';
import { describe, type OutlineItem, outlineOf } from './tree-outline.ts';

/** In widths of a character. */
const LINE_HEIGHT = 3.1;
/** How far text is above its line. */
const ABOVE = '-0.4em';
/** Characters of the prompt that are shown before the tree. */
const PROMPT_CELLS = 16;
const ZOOM_STEP = 1.25;
const SMALLEST = 0.2;
const LARGEST = 3;
/** Steps over which what was dropped fades, and how far. */
const FADING = 6;
const FADED = 0.8;

export class TreeView {
  readonly #scroller = byId('tree-scroller', HTMLElement);
  readonly #drawing = byId('tree', SVGSVGElement);
  readonly #about = byId('tree-about', HTMLElement);
  readonly #outline = byId('outline', HTMLDetailsElement);
  readonly #dropped = byId('show-dropped', HTMLInputElement);
  readonly #links = {
    dropped: svg('path'),
    finished: svg('path'),
    live: svg('path'),
    winner: svg('path'),
    pointed: svg('path'),
  };
  readonly #root = svg('circle', { class: 'root' });
  readonly #prompt = svg('text', { class: 'before' });
  readonly #bands = svg('g');
  readonly #texts = svg('g');
  readonly #elements = new Map<unknown, RunElement>();
  #zoom = 1;
  #cell = 0;
  #record: SearchRecord | null = null;
  #step = 0;
  #layout: Layout | null = null;

  constructor() {
    for (const [name, path] of Object.entries(this.#links)) path.setAttribute('class', `link ${name}`);
    this.#drawing.append(this.#bands, ...Object.values(this.#links), this.#root, this.#prompt, this.#texts);
    this.#dropped.addEventListener('change', () => this.#redraw());
    this.#outline.addEventListener('toggle', () => this.#drawOutline());
    byId('zoom-in', HTMLElement).addEventListener('click', () => this.#zoomTo(this.#zoom * ZOOM_STEP));
    byId('zoom-out', HTMLElement).addEventListener('click', () => this.#zoomTo(this.#zoom / ZOOM_STEP));
    byId('zoom-fit', HTMLElement).addEventListener('click', () => {
      const { width = 1 } = this.#layout ?? {};
      this.#zoomTo(Math.min(1, this.#scroller.clientWidth / width));
    });
    this.#scroller.addEventListener('scroll', () => this.#placeNames(), { passive: true });
    this.#drawing.addEventListener('pointerover', ({ target }) => this.#point(target));
    this.#drawing.addEventListener('pointerleave', () => this.#point(null));
  }

  /** @param follow whether to keep the newest in sight */
  draw(record: SearchRecord, step: number, follow: boolean): void {
    if (this.#record !== record) this.#clear();
    this.#record = record;
    this.#step = step;
    this.#redraw();
    if (follow) this.#scroller.scrollLeft = this.#scroller.scrollWidth;
  }

  #clear(): void {
    this.#elements.clear();
    this.#texts.replaceChildren();
    this.#zoom = 1;
    this.#point(null);
  }

  #redraw(): void {
    if (!this.#record) return;
    this.#cell ||= cellOf(this.#drawing);
    const prompt = endOfPrompt(this.#record.prompt);
    const metrics = { cell: this.#cell, line: this.#cell * LINE_HEIGHT, prompt: cellsOf(prompt) };
    const layout = layOut(this.#record.tree, this.#step, metrics, this.#dropped.checked);
    this.#layout = layout;
    this.#drawLinks(layout);
    this.#drawBands(layout);
    this.#drawRuns(layout);
    const { x, y } = layout.root;
    setAttributes(this.#root, { cx: x, cy: y, r: this.#cell * 0.4 });
    setAttributes(this.#prompt, { x: this.#cell * 0.5, y, dy: ABOVE });
    setText(this.#prompt, prompt);
    this.#resize();
    this.#drawOutline();
  }

  #drawLinks({ runs }: Layout): void {
    const paths = { dropped: '', finished: '', live: '', winner: '' };
    const best = runs.find(({ last }) => last.rank === 1);
    const winning = new Set(best ? pathTo(best.last) : []);
    for (const run of runs) {
      const wins = run.nodes.every((node) => winning.has(node));
      paths[wins ? 'winner' : run.fate] += linkPath(run);
    }
    for (const name of ['dropped', 'finished', 'live', 'winner'] as const) {
      this.#links[name].setAttribute('d', paths[name]);
    }
  }

  #drawBands({ bands, width }: Layout): void {
    const named = bands.length > 1 ? bands : [];
    const parts = named.flatMap(({ top }, i) => {
      const line = svg('line', { class: 'band', x1: 0, x2: width, y1: top, y2: top });
      const name = svg('text', { class: 'group', y: top + this.#cell * 2 });
      name.textContent = `group ${i + 1}`;
      return i === 0 ? [name] : [line, name];
    });
    this.#bands.replaceChildren(...parts);
    this.#placeNames();
  }

  /** Names of groups stay in sight. */
  #placeNames(): void {
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
      element.draw(run);
    }
    for (const key of unused) {
      this.#elements.get(key)?.text.remove();
      this.#elements.delete(key);
    }
  }

  #zoomTo(zoom: number): void {
    this.#zoom = Math.min(Math.max(zoom, SMALLEST), LARGEST);
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
    const groups = this.#layout.bands.length > 1;
    const list = outlineList(outlineOf(this.#layout, groups));
    byId('outline-list', HTMLElement).replaceChildren(list);
  }

  /** What is pointed at, in words, and its way from the prompt. */
  #point(target: EventTarget | null): void {
    const element = target instanceof Element ? target.closest('text') : null;
    const run = this.#layout?.runs.find(
      ({ nodes: [first] }) => element && this.#elements.get(first)?.text === element,
    );
    if (!run || !this.#layout) {
      this.#links.pointed.setAttribute('d', '');
      setText(this.#about, 'Point at a text to trace its way.');
      return;
    }
    const way = new Set(pathTo(run.last));
    const runs = this.#layout.runs.filter(({ nodes: [first] }) => first && way.has(first));
    this.#links.pointed.setAttribute('d', runs.map((one) => linkPath(one)).join(''));
    const text = runs.map((one) => one.text).join('');
    const score = run.mark === '' ? ` · score ${signed(run.last.score)}` : '';
    this.#about.replaceChildren(
      el('span', { class: 'story' }, text),
      ` ${describe(run, this.#layout.bands.length > 1)}${score}`,
    );
  }
}

/** A run's text and its mark. */
class RunElement {
  readonly text = svg('text');
  readonly #words = svg('tspan');
  readonly #mark = svg('tspan', { class: 'mark' });

  constructor() {
    this.text.append(this.#words, this.#mark);
  }

  draw({ x, y, text, mark, fate, age, last }: Run): void {
    setAttributes(this.text, { x, y, dy: ABOVE, class: `run ${fate}${last.rank === 1 ? ' best' : ''}` });
    this.text.style.opacity =
      fate === 'dropped' ? String(Math.max(FADED, 1 - (age / FADING) * (1 - FADED))) : '';
    setText(this.#words, text);
    setText(this.#mark, mark);
  }
}

/** From the end of what it forks from, and on under its own text. */
function linkPath({ from, x, y, end }: Run): string {
  const middle = (from.turnX + x) / 2;
  const turn = from.y === y ? '' : `H${from.turnX}C${middle} ${from.y} ${middle} ${y} ${x} ${y}`;
  return `M${from.x} ${from.y}${turn}H${end}`;
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
  const shown = visible(prompt);
  return cellsOf(shown) <= PROMPT_CELLS
    ? shown
    : `…${Array.from(shown)
        .slice(1 - PROMPT_CELLS)
        .join('')}`;
}

/** The width of a character, as the font has it. */
function cellOf(drawing: SVGSVGElement): number {
  const ruler = svg('text', { class: 'run' });
  ruler.textContent = '0'.repeat(100);
  drawing.append(ruler);
  const width = ruler.getComputedTextLength() / 100;
  ruler.remove();
  return width;
}
