/** @module The page: what is typed into a request, the request into events, and the events onto the screen. */
import { Api, ApiError, type Health } from './api.ts';
import { CostsView } from './costs-view.ts';
import { byId, el, oncePerFrame, setText } from './dom.ts';
import { EXAMPLES } from './examples.ts';
import { FormView } from './form-view.ts';
import { toRequest } from './request.ts';
import { SearchRecord } from './search-record.ts';
import { SEARCHES } from './searches.ts';
import { fromFragment, type Settings, toFragment } from './settings.ts';
import { SnippetView } from './snippet-view.ts';
import { TextView } from './text-view.ts';
import { TimeView } from './time-view.ts';
import { TreeView } from './tree-view.ts';

/** How often the heap is looked at while a search runs. */
const HEALTH_EVERY_MILLISECONDS = 2000;
const KEY_ITEM = 'edgebeam-key';

const api = new Api();
const form = new FormView(settingsChanged);
const texts = new TextView();
const tree = new TreeView();
const costs = new CostsView();
const snippets = new SnippetView();
const draw = oncePerFrame(drawNow);
const time = new TimeView(draw);

const result = byId('result', HTMLElement);
const stop = byId('cancel', HTMLButtonElement);
const keyRow = byId('key-row', HTMLElement);
const key = byId('key', HTMLInputElement);

let record: SearchRecord | null = null;
let running: AbortController | null = null;

form.form.addEventListener('submit', (event) => {
  event.preventDefault();
  void search();
});
stop.addEventListener('click', () => running?.abort());
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') running?.abort();
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) form.form.requestSubmit();
});
key.addEventListener('input', () => {
  api.key = key.value.trim();
  sessionStorage.setItem(KEY_ITEM, api.key);
});
key.addEventListener('change', () => void look());
window.addEventListener('hashchange', openShared);
byId('try-beams', HTMLButtonElement).addEventListener('click', () => {
  begin({ ...form.settings, search: 'beam' });
});
byId('examples', HTMLElement).append(
  ...EXAMPLES.map(({ title, settings }) => {
    const button = el('button', { type: 'button' }, title);
    button.addEventListener('click', () => begin(settings));
    return el('li', {}, button);
  }),
);

api.key = sessionStorage.getItem(KEY_ITEM) ?? '';
key.value = api.key;
openShared();
void look();

function openShared(): void {
  const { settings, run } = fromFragment(location.hash);
  form.settings = settings;
  snippets.draw(toRequest(settings), !keyRow.hidden);
  if (run) void search();
}

/** Fills the form, and runs it. */
function begin(settings: Settings): void {
  form.settings = settings;
  settingsChanged();
  void search();
}

function settingsChanged(): void {
  const { settings } = form;
  const fragment = toFragment(settings);
  history.replaceState(null, '', fragment === '' ? location.pathname : `#${fragment}`);
  snippets.draw(toRequest(settings), !keyRow.hidden);
}

async function search(): Promise<void> {
  running?.abort();
  const { settings } = form;
  const body = toRequest(settings);
  const mine = new SearchRecord(body, SEARCHES[settings.search].beams, performance.now());
  const abort = new AbortController();
  running = abort;
  record = mine;
  form.clearErrors();
  time.reset();
  showRunning(true);
  showResult();
  const looking = window.setInterval(look, HEALTH_EVERY_MILLISECONDS);
  try {
    for await (const chunk of api.complete(body, abort.signal)) {
      mine.add(chunk, performance.now());
      draw();
    }
    mine.finish();
  } catch (error) {
    mine.state = abort.signal.aborted ? 'stopped' : 'failed';
    if (!abort.signal.aborted) showError(error);
  } finally {
    window.clearInterval(looking);
    if (running === abort) {
      running = null;
      showRunning(false);
    }
    draw();
    void look();
  }
}

function showRunning(runs: boolean): void {
  // Hiding what has the focus would lose it.
  const hadFocus = document.activeElement === stop;
  result.dataset.state = runs ? 'running' : (record?.state ?? 'empty');
  result.setAttribute('aria-busy', String(runs));
  stop.hidden = !runs;
  if (hadFocus && !runs) byId('generate', HTMLButtonElement).focus();
  draw();
}

/** Where it is below the form, and out of sight. */
function showResult(): void {
  result.hidden = false;
  if (result.getBoundingClientRect().top > window.innerHeight) result.scrollIntoView();
}

function showError(error: unknown): void {
  if (!(error instanceof ApiError)) throw error;
  if (error.status === 401) showKey();
  form.showError(error.message, error.param);
  if (error.status === 401) key.focus();
}

function showKey(): void {
  keyRow.hidden = false;
  snippets.draw(toRequest(form.settings), true);
}

function drawNow(): void {
  if (!record) return;
  const { steps } = record.tree;
  const alone = !record.beams && record.texts.length === 1;
  byId('tree-panel', HTMLElement).hidden = alone;
  byId('alone', HTMLElement).hidden = !alone;
  // Nothing has come, and nothing will: the form says why.
  result.hidden = record.state === 'failed' && steps === 0;
  texts.draw(record);
  time.draw(steps);
  if (!alone) tree.draw(record, time.step, time.follows);
  costs.draw(record, time.step);
}

/** At the server's health. Where it says less than it could, it wants a key. */
async function look(): Promise<void> {
  let health: Health;
  try {
    health = await api.health();
  } catch {
    return;
  }
  costs.health = health;
  if (!('model' in health)) showKey();
  const { model } = health;
  setText(
    byId('model', HTMLElement),
    model ? `${model.name} · ${model.precision}` : 'The model is loaded with the first search.',
  );
}
