/** @module The page's entry point: sends the form as a request, and draws the events of the response. */
import { Api, ApiError, type Health } from './api.ts';
import { CostsView } from './costs-view.ts';
import { byId, el, oncePerFrame, setText } from './dom.ts';
import { EXAMPLES } from './examples.ts';
import { FormView } from './form-view.ts';
import { OptionsFold } from './options-fold.ts';
import { type RequestBody, toListSearch, toRequest, toSuggestion } from './request.ts';
import { SearchRecord } from './search-record.ts';
import { SEARCHES } from './searches.ts';
import { fromFragment, type Settings, toFragment } from './settings.ts';
import { SnippetView } from './snippet-view.ts';
import { SuggestView } from './suggest-view.ts';
import { TextView } from './text-view.ts';
import { TimeView } from './time-view.ts';
import { TreeView } from './tree-view.ts';

/** Interval of the requests to `/health` while a search runs. */
const HEALTH_INTERVAL_MILLISECONDS = 2000;
/** Where an answer may begin without scrolling, as a part of the window's height. */
const LOWEST_ANSWER = 0.7;
const KEY_ITEM = 'edgebeam-key';

/** The server may be mounted below a path of another one. */
const SERVER = new URL('.', import.meta.url).href.replace(/\/$/, '');

const api = new Api(SERVER);
const formView = new FormView(settingsChanged);
const optionsFold = new OptionsFold();
const textView = new TextView();
const treeView = new TreeView();
const costsView = new CostsView();
const snippetView = new SnippetView(SERVER);
const scheduleDraw = oncePerFrame(draw);
const timeView = new TimeView(scheduleDraw);

const result = byId('result', HTMLElement);
const stopButton = byId('cancel', HTMLButtonElement);
const keyRow = byId('key-row', HTMLElement);
const keyInput = byId('key', HTMLInputElement);

/** The catalogue that is searched while one types: the server's first. */
let catalogue = '';
const suggestView = new SuggestView({
  suggest: (text, signal) => api.suggest(toSuggestion(formView.model.model, catalogue, text), signal),
  onChosen: (text) => {
    const body = toListSearch(formView.model.model, catalogue, text);
    snippetView.draw(body, !keyRow.hidden);
    void run(body, true);
  },
  onError: (error) => {
    if (error instanceof ApiError && error.status === 401) showKey();
  },
});
let isListed = false;
let record: SearchRecord | null = null;
let runningSearch: AbortController | null = null;

formView.form.addEventListener('submit', (event) => {
  event.preventDefault();
  void search();
});
stopButton.addEventListener('click', () => runningSearch?.abort());
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') runningSearch?.abort();
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) formView.form.requestSubmit();
});
keyInput.addEventListener('input', () => {
  api.key = keyInput.value.trim();
  sessionStorage.setItem(KEY_ITEM, api.key);
});
keyInput.addEventListener('change', () => void refreshHealth());
window.addEventListener('hashchange', openFragment);
byId('try-beams', HTMLButtonElement).addEventListener('click', () => {
  startSearch({ ...formView.settings, search: 'beam' });
});
byId('examples', HTMLElement).append(
  ...EXAMPLES.map(({ title, settings }) => {
    const button = el('button', { type: 'button' }, title);
    button.addEventListener('click', () => startSearch(settings));
    return el('li', {}, button);
  }),
);

api.key = sessionStorage.getItem(KEY_ITEM) ?? '';
keyInput.value = api.key;
openFragment();
void refreshHealth();

function openFragment(): void {
  const { settings, run } = fromFragment(location.hash);
  formView.settings = settings;
  snippetView.draw(toRequest(settings), !keyRow.hidden);
  if (run) void search();
}

/** Fills the form with settings and runs the search. */
function startSearch(settings: Settings): void {
  formView.settings = settings;
  settingsChanged();
  void search();
}

function settingsChanged(): void {
  const { settings } = formView;
  const fragment = toFragment(settings);
  history.replaceState(null, '', fragment === '' ? location.pathname : `#${fragment}`);
  snippetView.draw(toRequest(settings), !keyRow.hidden);
}

function search(): Promise<void> {
  const { settings } = formView;
  return run(toRequest(settings), SEARCHES[settings.search].usesBeams);
}

async function run(body: RequestBody, usesBeams: boolean): Promise<void> {
  runningSearch?.abort();
  const newRecord = new SearchRecord(body, usesBeams, performance.now());
  const controller = new AbortController();
  runningSearch = controller;
  record = newRecord;
  formView.clearErrors();
  timeView.reset();
  showRunning(true);
  optionsFold.close();
  showResult();
  const healthTimer = window.setInterval(refreshHealth, HEALTH_INTERVAL_MILLISECONDS);
  try {
    for await (const chunk of api.complete(body, controller.signal)) {
      newRecord.add(chunk, performance.now());
      scheduleDraw();
    }
    newRecord.finish();
  } catch (error) {
    newRecord.state = controller.signal.aborted ? 'stopped' : 'failed';
    if (!controller.signal.aborted) showError(error);
  } finally {
    window.clearInterval(healthTimer);
    if (runningSearch === controller) {
      runningSearch = null;
      showRunning(false);
    }
    scheduleDraw();
    void refreshHealth();
  }
}

function showRunning(isRunning: boolean): void {
  // Hiding the focused button would lose the focus.
  const hadFocus = document.activeElement === stopButton;
  result.dataset.state = isRunning ? 'running' : (record?.state ?? 'empty');
  result.setAttribute('aria-busy', String(isRunning));
  stopButton.hidden = !isRunning;
  if (hadFocus && !isRunning) byId('generate', HTMLButtonElement).focus();
  scheduleDraw();
}

/** Shows the result, and scrolls to it if little of it is in the window, as under the form on a phone. */
function showResult(): void {
  result.hidden = false;
  if (result.getBoundingClientRect().top <= window.innerHeight * LOWEST_ANSWER) return;
  const isStill = window.matchMedia('(prefers-reduced-motion: reduce)').matches;
  result.scrollIntoView({ behavior: isStill ? 'auto' : 'smooth' });
}

function showError(error: unknown): void {
  if (!(error instanceof ApiError)) throw error;
  if (error.status === 401) showKey();
  formView.showError(error.message, error.param);
  if (error.status === 401) keyInput.focus();
}

function showKey(): void {
  keyRow.hidden = false;
  snippetView.draw(toRequest(formView.settings), true);
}

function draw(): void {
  if (!record) return;
  const { steps } = record.tree;
  const hasSingleText = !record.usesBeams && record.texts.length === 1;
  byId('tree-panel', HTMLElement).hidden = hasSingleText;
  byId('single-text', HTMLElement).hidden = !hasSingleText;
  // Failed before the first step: the form shows the error.
  result.hidden = record.state === 'failed' && steps === 0;
  textView.draw(record);
  timeView.draw(steps);
  if (!hasSingleText) treeView.draw(record, timeView.step, timeView.followsNewest);
  costsView.draw(record, timeView.step);
}

/** Fetches `/health`. A response without `model` means that the deployment requires a key. */
async function refreshHealth(): Promise<void> {
  let health: Health;
  try {
    health = await api.health();
  } catch {
    return;
  }
  costsView.health = health;
  if (!('model' in health)) showKey();
  else if (!isListed) await listModels();
  catalogue = Object.keys(health.catalogues ?? {})[0] ?? catalogue;
  suggestView.isAvailable = catalogue !== '';
  const { model } = health;
  setText(
    byId('model', HTMLElement),
    model ? `${model.name} · ${model.precision}` : 'The model is loaded by the first search.',
  );
}

/** Lists the adapters, once. */
async function listModels(): Promise<void> {
  const names = await api.models().catch(() => []);
  formView.model.list(names);
  isListed = names.length > 0;
}
