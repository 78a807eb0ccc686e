/** @module The returned texts: each token a place that can be pointed at, or reached with the arrow keys. */
import type { ChoiceText, Piece } from './choice-text.ts';
import { byId, el, setAttributes, setText } from './dom.ts';
import { percent, signed, visible } from './numbers.ts';
import type { SearchRecord } from './search-record.ts';
import { leadAfter } from './search-tree.ts';
import { Sentences } from './sentences.ts';

/** Below these probabilities a token is marked as unlikely, and as very unlikely. */
const UNLIKELY = Math.log(0.5);
const VERY_UNLIKELY = Math.log(0.1);

const REASONS = { stop: 'ended by the model or a stop string', length: 'ended by max_tokens' } as const;

export class TextView {
  readonly #texts = byId('texts', HTMLElement);
  readonly #live = byId('live', HTMLElement);
  readonly #token = byId('token', HTMLElement);
  #record: SearchRecord | null = null;
  #articles: Article[] = [];
  #sentences = new Sentences();

  constructor() {
    const show = ({ target }: Event) => this.#point(target);
    this.#texts.addEventListener('focusin', show);
    this.#texts.addEventListener('pointerover', show);
    this.#texts.addEventListener('keydown', (event) => this.#move(event));
  }

  /** Begins anew where the record is another one. */
  draw(record: SearchRecord): void {
    if (this.#record !== record) this.#begin(record);
    for (const [i, article] of this.#articles.entries()) {
      const text = record.texts[i];
      if (text) article.draw(text, record);
    }
    this.#tell(record);
  }

  #begin(record: SearchRecord): void {
    this.#record = record;
    this.#sentences = new Sentences();
    this.#live.replaceChildren();
    this.#token.replaceChildren(
      el(
        'p',
        { class: 'hint' },
        'Point at a token, or walk with the arrow keys: how likely it was, and what else could have stood there.',
      ),
    );
    this.#articles = record.texts.map((_, i) => new Article(record.prompt, i, record.texts.length));
    this.#texts.replaceChildren(...this.#articles.map(({ element }) => element));
  }

  /** To who listens: sentences of the first text, and in the end how it ended. */
  #tell({ texts: [first], state, texts }: SearchRecord): void {
    if (!first) return;
    const done = state !== 'running';
    const more = done ? this.#sentences.rest(first.text) : this.#sentences.take(first.text);
    if (more) this.#live.append(el('p', {}, more));
    if (done && !this.#live.querySelector('[data-end]')) {
      const count = texts.length > 1 ? `${texts.length} texts. ` : '';
      const words = { done: 'Done. ', stopped: 'Stopped. ', failed: 'Failed. ', running: '' }[state];
      this.#live.append(el('p', { 'data-end': true }, words + (state === 'done' ? count : '')));
    }
  }

  #pieceOf(target: EventTarget | null): { span: HTMLElement; piece: Piece } | null {
    const span = target instanceof HTMLElement ? target.closest<HTMLElement>('[role=option]') : null;
    const article = this.#articles.find(({ element }) => span && element.contains(span));
    const piece = span && article?.pieces[Number(span.dataset.piece)];
    return span && piece ? { span, piece } : null;
  }

  #point(target: EventTarget | null): void {
    const found = this.#pieceOf(target);
    if (!found) return;
    const { span, piece } = found;
    const list = span.parentElement;
    for (const other of list?.querySelectorAll('[tabindex="0"]') ?? []) other.setAttribute('tabindex', '-1');
    span.setAttribute('tabindex', '0');
    for (const other of this.#texts.querySelectorAll('[aria-selected=true]'))
      other.setAttribute('aria-selected', 'false');
    span.setAttribute('aria-selected', 'true');
    this.#token.replaceChildren(...piece.tokens.map(tokenDetails));
  }

  #move(event: KeyboardEvent): void {
    const found = this.#pieceOf(event.target);
    const siblings = found?.span.parentElement?.querySelectorAll<HTMLElement>('[role=option]');
    if (!found || !siblings) return;
    const here = Number(found.span.dataset.piece);
    const last = siblings.length - 1;
    const to = {
      ArrowRight: here + 1,
      ArrowLeft: here - 1,
      ArrowDown: here + 10,
      ArrowUp: here - 10,
      Home: 0,
      End: last,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    siblings[Math.min(Math.max(to, 0), last)]?.focus();
  }
}

/** One text. */
class Article {
  readonly element: HTMLElement;
  pieces: readonly Piece[] = [];
  readonly #first: boolean;
  readonly #list: HTMLElement;
  /** How the beam that leads goes on from what is certain. */
  readonly #lead = el('span', { class: 'lead', 'aria-hidden': 'true' });
  readonly #end: HTMLElement;

  constructor(prompt: string, number: number, count: number) {
    this.#first = number === 0;
    const label = count > 1 ? `Text ${number + 1} of ${count}` : 'The text';
    this.#list = el('span', {
      class: 'tokens',
      role: 'listbox',
      'aria-label': `${label}, by tokens`,
      'aria-orientation': 'horizontal',
    });
    this.#end = el('p', { class: 'hint end' });
    const story = el(
      'p',
      { class: 'story' },
      el('span', { class: 'prompt' }, prompt),
      this.#list,
      this.#lead,
    );
    this.element = el(
      'article',
      { 'aria-label': label },
      ...(count > 1 ? [el('h3', {}, label)] : []),
      story,
      this.#end,
    );
  }

  draw(text: ChoiceText, { state, beams, tree }: SearchRecord): void {
    this.pieces = text.pieces;
    for (const [i, piece] of this.pieces.entries()) {
      let span = this.#list.children[i];
      if (!span) {
        span = el('span', {
          role: 'option',
          'aria-selected': 'false',
          tabindex: i === 0 ? 0 : -1,
          'data-piece': i,
        });
        this.#list.append(span);
      }
      if (span.textContent !== piece.text) span.replaceChildren(...wordOf(piece.text));
      setAttributes(span, { 'aria-label': piece.text.trim() === '' && spokenOf(piece.text) });
      const likely = Math.min(...piece.tokens.map(({ logprob }) => logprob));
      span.classList.toggle('unlikely', likely < UNLIKELY);
      span.classList.toggle('very', likely < VERY_UNLIKELY);
    }
    this.#list.hidden = this.pieces.length === 0;
    const leads = state === 'running' && beams && this.#first;
    const shown = this.pieces.reduce((sum, { tokens }) => sum + tokens.length, 0);
    setText(this.#lead, leads ? leadAfter(tree, tree.steps, shown) : '');
    setText(this.#end, endOf(text, state === 'running', beams));
  }
}

/** White space, which says nothing of itself. */
const spokenOf = (text: string): string => (text.includes('\n') ? 'line break' : 'space');

/** What may be underlined without the white space around it. */
function wordOf(text: string): (Node | string)[] {
  const word = text.trim();
  const begin = text.indexOf(word);
  return [text.slice(0, begin), el('span', {}, word), text.slice(begin + word.length)];
}

function endOf({ finishReason, score, tokens, text }: ChoiceText, running: boolean, beams: boolean): string {
  if (finishReason) {
    const scored = score === null ? '' : ` · score ${signed(score, 4)}`;
    return `${tokens.length} tokens · ${REASONS[finishReason]}${scored}`;
  }
  if (!running) return '';
  if (!beams) return '';
  const certain =
    text === '' ? 'Nothing is certain yet' : 'Certain up to the mark, for all beams that may win';
  return `${certain}. Behind it, how the best of them goes on.`;
}

function tokenDetails({ name, logprob, alternatives }: Piece['tokens'][number]): HTMLElement {
  const rows = alternatives.map((other) => {
    const bar = el('span', { class: 'bar' });
    bar.style.inlineSize = `${Math.exp(other.logprob) * 100}%`;
    const chosen = other.name === name;
    return el(
      'tr',
      chosen ? { class: 'chosen' } : {},
      el('th', { scope: 'row' }, `${visible(other.name)}${chosen ? ' ◂' : ''}`),
      el('td', { class: 'bars', 'aria-hidden': 'true' }, bar),
      el('td', {}, percent(other.logprob)),
    );
  });
  const caption = el(
    'caption',
    {},
    el('code', {}, visible(name)),
    ` ${percent(logprob)} · log p ${signed(logprob)}`,
  );
  return el('table', {}, caption, el('tbody', {}, ...rows));
}
