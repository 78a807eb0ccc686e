/** @module The texts of a successful answer: as many as requested, in order, without holes, to the end. */
import type { FuzzAnswer } from './client.ts';
import { optionsOf } from './requests.ts';

type Fields = Readonly<Record<string, unknown>>;
interface Choice {
  readonly index: number;
  readonly finish_reason: string | null;
}

/** Sends no answer with fewer texts than requested, except beam searches that find no more. */
interface Expected {
  readonly count: number;
  readonly mayBeFewer: boolean;
}

/**
 * @param body as JSON; undefined if it is not text, and nothing is known of it
 * @throws Error that says what is wrong
 */
export function checkTexts(path: string, body: unknown, { text, events }: FuzzAnswer): void {
  const expected = expectedOf(body);
  if (path === '/v1/completions') {
    if (events) checkChunks(events, expected);
    else checkIndexes((JSON.parse(text) as { choices: Choice[] }).choices, expected);
  } else if (path === '/' || path === '/generate_stream') {
    if (events) checkTgiStream(events);
    else if (body !== undefined) checkCount((JSON.parse(text) as unknown[]).length, expected);
  } else if (path === '/v1/score') {
    checkRanks((JSON.parse(text) as { choices: RankedChoice[] }).choices, body);
  } else if (path === '/v1/suggest') {
    checkSuggestions((JSON.parse(text) as { data: Suggestion[] }).data, body);
  } else if (path === '/v1/perplexity') {
    if (events) checkDone(events);
  } else if (path.startsWith('/ai/run/')) {
    if (events) checkDone(events);
    else {
      const { responses } = (JSON.parse(text) as { result: { responses?: unknown[] } }).result;
      checkCount(responses?.length ?? 1, expected);
    }
  }
}

interface RankedChoice {
  readonly index: number;
  readonly rank: number;
  readonly logprob: number | null;
}

/** Each choice once, in the order of the request, and each rank once. */
function checkRanks(choices: readonly RankedChoice[], body: unknown): void {
  const count = (body as { choices?: unknown[] } | undefined)?.choices?.length ?? choices.length;
  const ranks = choices.map(({ rank }) => rank).sort((a, b) => a - b);
  const isWhole = choices.every(({ index, logprob }, i) => index === i && logprob !== null && logprob <= 0);
  if (choices.length !== count || !isWhole || ranks.some((rank, i) => rank !== i + 1)) {
    throw new Error(`${count} choices have the scores ${JSON.stringify(choices)}`);
  }
}

interface Suggestion {
  readonly text: string;
  readonly score: number;
}

/** At most `n`, each once, all of them with what was typed, best first. */
function checkSuggestions(suggestions: readonly Suggestion[], body: unknown): void {
  const { text, n } = (body ?? {}) as { readonly text?: string | null; readonly n?: number | null };
  const typed = (text ?? '').toWellFormed();
  const texts = suggestions.map((suggestion) => suggestion.text);
  const isOrdered = suggestions.every(({ score }, i) => score <= (suggestions[i - 1]?.score ?? score));
  const isWhole = body === undefined || texts.every((text) => text.startsWith(typed));
  if (isOrdered && isWhole && new Set(texts).size === texts.length && texts.length <= (n ?? 64)) return;
  throw new Error(`${JSON.stringify(body)} has the suggestions ${JSON.stringify(suggestions)}`);
}

function expectedOf(body: unknown): Expected | null {
  const options = optionsOf(body);
  if (!options) return null;
  const { n, num_return_sequences, num_beams, use_beam_search } = options;
  // A default asks for nothing, so that it does not contradict `n`.
  const texts = (num_return_sequences === 1 ? undefined : num_return_sequences) ?? n ?? 1;
  if (typeof texts !== 'number') return null;
  const mayBeFewer = (typeof num_beams === 'number' && num_beams > 1) || use_beam_search === true;
  return { count: texts * promptsOf(options), mayBeFewer };
}

/** OpenAI's contract allows several prompts, as texts or as lists of token ids. */
function promptsOf({ prompt }: Fields): number {
  return Array.isArray(prompt) && typeof prompt[0] !== 'number' ? prompt.length : 1;
}

function checkCount(count: number, expected: Expected | null): void {
  if (!expected || count === expected.count || (expected.mayBeFewer && count < expected.count)) return;
  throw new Error(`has ${count} texts, not ${expected.count}`);
}

function checkIndexes(choices: readonly Choice[], expected: Expected | null): void {
  checkCount(choices.length, expected);
  const indexes = choices.map(({ index }) => index);
  if (indexes.some((index, i) => index !== i)) throw new Error(`has choices of the indexes ${indexes}`);
}

/** Each choice ends once, with its finish reason, and the stream with [DONE] or an error. */
function checkChunks(events: readonly string[], expected: Expected | null): void {
  checkDone(events);
  const ended: Choice[] = [];
  for (const event of events) {
    if (event === '[DONE]') continue;
    const { choices, error } = JSON.parse(event) as { choices?: Choice[]; error?: unknown };
    if (error) return;
    for (const choice of choices ?? []) {
      if (ended.some(({ index }) => index === choice.index))
        throw new Error(`has a chunk of choice ${choice.index} after its end`);
      if (choice.finish_reason !== null) ended.push(choice);
    }
  }
  checkIndexes(
    ended.sort((a, b) => a.index - b.index),
    expected,
  );
}

function checkDone(events: readonly string[]): void {
  const last = events.at(-1);
  if (last === '[DONE]' || isError(last)) return;
  throw new Error(`the stream ends without [DONE] or an error: ${last}`);
}

function checkTgiStream(events: readonly string[]): void {
  const last = events.findLast((event) => event !== '[DONE]' && !event.startsWith('{"beams"'));
  if (isError(last)) return;
  const { generated_text } = JSON.parse(last ?? '{}') as { generated_text?: string | null };
  if (typeof generated_text !== 'string') throw new Error(`the stream ends without its text: ${last}`);
}

function isError(event: string | undefined): boolean {
  if (event === undefined || event === '[DONE]') return false;
  const data = JSON.parse(event) as Fields;
  return 'error' in data || 'errors' in data;
}
