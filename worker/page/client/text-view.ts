/** @module Draws the returned texts. Each token can be selected with the pointer or the arrow keys. */
import type { ChoiceText, Piece } from './choice-text.ts';
import { byId, el, setAttributes, setText } from './dom.ts';
import { cutAt, type JsonPart, jsonParts } from './json-text.ts';
import { percent, signed, toVisible } from './numbers.ts';
import type { SearchRecord } from './search-record.ts';
import { leadingText } from './search-tree.ts';
import { SentenceSplitter } from './sentences.ts';

/** Tokens with log-probabilities below these are marked as unlikely or very unlikely. */
const UNLIKELY = Math.log(0.5);
const VERY_UNLIKELY = Math.log(0.1);

const REASONS = { stop: 'ended by the model or a stop string', length: 'ended by max_tokens' } as const;

export class TextView {
  readonly #texts = byId('texts', HTMLElement);
  readonly #live = byId('live', HTMLElement);
  readonly #token = byId('token', HTMLElement);
  readonly #resets = byId('resets', HTMLElement);
  #record: SearchRecord | null = null;
  #articles: TextArticle[] = [];
  #sentences = new SentenceSplitter();

  constructor() {
    const select = ({ target }: Event) => this.#select(target);
    this.#texts.addEventListener('focusin', select);
    this.#texts.addEventListener('pointerover', select);
    this.#texts.addEventListener('keydown', (event) => this.#moveFocus(event));
  }

  /** Updates the texts in place; replaces them if `record` is a new one. */
  draw(record: SearchRecord): void {
    if (this.#record !== record) this.#reset(record);
    for (const [i, article] of this.#articles.entries()) {
      const text = record.texts[i];
      if (text) article.draw(text, record);
    }
    const { resets } = record;
    this.#resets.hidden = resets === 0;
    const times = `${resets} ${resets === 1 ? 'time' : 'times'}`;
    setText(this.#resets, `Longer than the context: the model has lost sight of tokens ${times}.`);
    this.#announce(record);
  }

  #reset(record: SearchRecord): void {
    this.#record = record;
    this.#sentences = new SentenceSplitter();
    this.#live.replaceChildren();
    this.#token.replaceChildren(
      el(
        'p',
        { class: 'hint' },
        'Point at a token, or use the arrow keys, to see its probability and its alternatives.',
      ),
    );
    this.#articles = record.texts.map((_, i) => new TextArticle(record.prompt, i, record.texts.length));
    this.#texts.replaceChildren(...this.#articles.map(({ element }) => element));
  }

  /** Announces the first text to screen readers, sentence by sentence, then how the search ended. */
  #announce({ texts: [first], state, texts }: SearchRecord): void {
    if (!first) return;
    const isOver = state !== 'running';
    const sentences = isOver
      ? this.#sentences.takeRest(first.text)
      : this.#sentences.takeComplete(first.text);
    if (sentences) this.#live.append(el('p', {}, sentences));
    if (isOver && !this.#live.querySelector('[data-end]')) {
      const count = texts.length > 1 ? `${texts.length} texts. ` : '';
      const outcome = { done: 'Done. ', stopped: 'Stopped. ', failed: 'Failed. ', running: '' }[state];
      this.#live.append(el('p', { 'data-end': true }, outcome + (state === 'done' ? count : '')));
    }
  }

  #pieceOf(target: EventTarget | null): { span: HTMLElement; piece: Piece } | null {
    const span = target instanceof HTMLElement ? target.closest<HTMLElement>('[role=option]') : null;
    const article = this.#articles.find(({ element }) => span && element.contains(span));
    const piece = span && article?.pieces[Number(span.dataset.piece)];
    return span && piece ? { span, piece } : null;
  }

  #select(target: EventTarget | null): void {
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

  #moveFocus(event: KeyboardEvent): void {
    const found = this.#pieceOf(event.target);
    const siblings = found?.span.parentElement?.querySelectorAll<HTMLElement>('[role=option]');
    if (!found || !siblings) return;
    const index = Number(found.span.dataset.piece);
    const last = siblings.length - 1;
    const target = {
      ArrowRight: index + 1,
      ArrowLeft: index - 1,
      ArrowDown: index + 10,
      ArrowUp: index - 10,
      Home: 0,
      End: last,
    }[event.key];
    if (target === undefined) return;
    event.preventDefault();
    siblings[Math.min(Math.max(target, 0), last)]?.focus();
  }
}

/** One returned text, after the prompt. */
class TextArticle {
  readonly element: HTMLElement;
  pieces: readonly Piece[] = [];
  /** What each piece shows, to redraw only those that change. */
  readonly #shown: string[] = [];
  readonly #isFirst: boolean;
  readonly #paragraph: HTMLElement;
  readonly #list: HTMLElement;
  /** Continuation of the certain text by the best beam. */
  readonly #leadingText = el('span', { class: 'leading', 'aria-hidden': 'true' });
  readonly #status: HTMLElement;

  constructor(prompt: string, index: number, count: number) {
    this.#isFirst = index === 0;
    const label = count > 1 ? `Text ${index + 1} of ${count}` : 'The text';
    this.#list = el('span', {
      class: 'tokens',
      role: 'listbox',
      'aria-label': `${label}, by tokens`,
      'aria-orientation': 'horizontal',
    });
    this.#status = el('p', { class: 'hint' });
    this.#paragraph = el(
      'p',
      { class: 'prose' },
      el('span', { class: 'prompt' }, prompt),
      this.#list,
      this.#leadingText,
    );
    this.element = el(
      'article',
      { 'aria-label': label },
      ...(count > 1 ? [el('h3', {}, label)] : []),
      this.#paragraph,
      this.#status,
    );
  }

  draw(text: ChoiceText, { state, usesBeams, tree, expectsJson }: SearchRecord): void {
    this.pieces = text.pieces;
    const json = jsonParts(text.text, expectsJson);
    this.#paragraph.classList.toggle('json', json !== null && (expectsJson || text.text !== ''));
    const coloured =
      json &&
      cutAt(
        json,
        this.pieces.map((piece) => piece.text),
      );
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
      const parts = coloured?.[i] ?? [{ text: piece.text, kind: null }];
      const shown = parts.map(({ kind, text }) => `${kind} ${text}`).join('\n');
      if (this.#shown[i] !== shown) span.replaceChildren(...splitAtWord(parts));
      this.#shown[i] = shown;
      setAttributes(span, { 'aria-label': piece.text.trim() === '' && whiteSpaceLabel(piece.text) });
      const logprob = Math.min(...piece.tokens.map(({ logprob }) => logprob));
      span.classList.toggle('unlikely', logprob < UNLIKELY);
      span.classList.toggle('very-unlikely', logprob < VERY_UNLIKELY);
    }
    this.#list.hidden = this.pieces.length === 0;
    const showsLeadingText = state === 'running' && usesBeams && this.#isFirst;
    const certainTokens = this.pieces.reduce((sum, { tokens }) => sum + tokens.length, 0);
    setText(this.#leadingText, showsLeadingText ? leadingText(tree, tree.steps, certainTokens) : '');
    setText(this.#status, statusLine(text, state === 'running', usesBeams));
  }
}

/** Label of a white space token, which has no readable text. */
const whiteSpaceLabel = (text: string): string => (text.includes('\n') ? 'line break' : 'space');

/** Wraps the word in a span, so that an underline excludes the white space around it. */
function splitAtWord(parts: readonly JsonPart[]): (Node | string)[] {
  const text = parts.map((part) => part.text).join('');
  const word = text.trim();
  const start = text.indexOf(word);
  const [, coloured = []] = cutAt(parts, [text.slice(0, start), word]);
  const children = coloured.map((part) =>
    part.kind === null ? part.text : el('span', { class: part.kind }, part.text),
  );
  return [text.slice(0, start), el('span', {}, ...children), text.slice(start + word.length)];
}

function statusLine(
  { finishReason, score, tokens, text }: ChoiceText,
  isRunning: boolean,
  usesBeams: boolean,
): string {
  if (finishReason) {
    const scoreText = score === null ? '' : ` · score ${signed(score, 4)}`;
    return `${tokens.length} tokens · ${REASONS[finishReason]}${scoreText}`;
  }
  if (!isRunning || !usesBeams) return '';
  const certainty =
    text === ''
      ? 'No text is certain yet'
      : 'Every beam that can still win begins with the text before the cursor';
  return `${certainty}. After the cursor: the continuation of the best beam.`;
}

function tokenDetails({ name, logprob, alternatives }: Piece['tokens'][number]): HTMLElement {
  const rows = alternatives.map((alternative) => {
    const bar = el('span', { class: 'bar' });
    bar.style.inlineSize = `${Math.exp(alternative.logprob) * 100}%`;
    const isChosen = alternative.name === name;
    return el(
      'tr',
      isChosen ? { class: 'chosen' } : {},
      el('th', { scope: 'row' }, `${toVisible(alternative.name)}${isChosen ? ' ◂' : ''}`),
      el('td', { class: 'bars', 'aria-hidden': 'true' }, bar),
      el('td', {}, percent(alternative.logprob)),
    );
  });
  const caption = el(
    'caption',
    {},
    el('code', {}, toVisible(name)),
    ` ${percent(logprob)} · log p ${signed(logprob)}`,
  );
  return el('table', {}, caption, el('tbody', {}, ...rows));
}
