/** @module The perplexity of a text of any length, window by window, independent of HTTP. */
import { type PathScores, scorePaths } from '../../../decoding/scoring/score-paths.ts';
import { windowCount, windowsOf } from '../../../decoding/scoring/windows.ts';
import type { TokenOffsets } from '../../../tokenizer/token-offsets.ts';
import type { Tokenizer } from '../../../tokenizer/tokenizer.ts';
import { ApiError, refuse } from '../../http/errors.ts';
import { type Usage, usageOf } from '../../http/request-record.ts';
import type { ServedModel } from '../../isolate/served-model.ts';
import type { RunOptions } from '../generate.ts';
import { encodeText } from '../request.ts';
import { beginningOf, checkedIds } from './choices.ts';
import { scoringBytes } from './memory.ts';
import type { PerplexityRequest } from './request.ts';
import { type ReservedScoring, reserveScoring } from './reserve.ts';
import { type ScoredToken, scoredTokens } from './score.ts';

/** The sums over the tokens that have been scored so far. */
export interface PerplexitySums {
  readonly logprob: number;
  readonly tokenCount: number;
  /** The bytes of these tokens. */
  readonly byteCount: number;
}

/** After a window. */
export interface WindowEvent extends PerplexitySums {
  /** From 1. */
  readonly window: number;
  /** Of the window, if the request asks for them. Made anew in each call of what is held in typed arrays. */
  tokens(): Iterable<ScoredToken>;
}

interface Task {
  /** Of the text, and the beginning of text before it. */
  readonly ids: Int32Array;
  /** The tokens before the text. */
  readonly leading: number;
  readonly window: number;
  readonly stride: number;
}

/** A text's windows, of which the first has been computed. */
export class Perplexity {
  /** Leaving the loop frees the space. */
  readonly events: AsyncGenerator<WindowEvent, void, undefined>;
  readonly window: number;
  readonly stride: number;
  readonly windowCount: number;
  /** Memory until the answer is sent. */
  readonly held: ReservedScoring['answer'];
  readonly #tokenCount: number;

  constructor(
    { ids, window, stride }: Task,
    events: AsyncGenerator<WindowEvent, void, undefined>,
    held: ReservedScoring['answer'],
  ) {
    this.events = events;
    this.held = held;
    this.window = window;
    this.stride = stride;
    this.windowCount = windowCount(ids.length, window, stride);
    this.#tokenCount = ids.length;
  }

  get usage(): Usage {
    return usageOf(this.#tokenCount, 0, 0);
  }
}

/**
 * Reserves what one window needs, and computes the first.
 * @param isWhole whether the answer holds the tokens of all windows at the same time; the caller closes `held`
 * @throws as `score`
 */
export async function startPerplexity(
  model: ServedModel,
  request: PerplexityRequest,
  options: RunOptions,
  isWhole: boolean,
): Promise<Perplexity> {
  const task = taskOf(model, request);
  const { ids, window } = task;
  const nodes = Math.min(window, ids.length) - 1;
  const bytes = scoringBytes({
    characters: typeof request.text === 'string' ? request.text.length : 0,
    tokens: ids.length,
    scored: isWhole && request.tokens ? ids.length : window,
    choices: 1,
    nodes,
    places: request.tokens,
  });
  const tree = { shared: false, adapter: request.adapter?.name };
  const reserved = await reserveScoring(model.engine, nodes, bytes, tree, options);
  const events = windowEvents(model, request, task, reserved, isWhole, options);
  try {
    const first = await events.next();
    return new Perplexity(task, withFirst(first, events), reserved.answer);
  } catch (error) {
    reserved.close();
    options.onFailed?.(usageOf(ids.length, 0, 0));
    throw error;
  }
}

async function* withFirst(
  first: IteratorResult<WindowEvent, void>,
  rest: AsyncGenerator<WindowEvent, void, undefined>,
): AsyncGenerator<WindowEvent, void, undefined> {
  try {
    for (let result = first; !result.done; result = await rest.next()) yield result.value;
  } finally {
    await rest.return();
  }
}

async function* windowEvents(
  { tokenizer }: ServedModel,
  { tokens: isEach }: PerplexityRequest,
  { ids, leading, window, stride }: Task,
  reserved: ReservedScoring,
  isWhole: boolean,
  { signal }: RunOptions,
): AsyncGenerator<WindowEvent, void, undefined> {
  const { tree } = reserved;
  try {
    const places = new TextPlaces(tokenizer, ids, leading);
    let [logprob, tokenCount, byteCount] = [0, 0, 0];
    let number = 0;
    for (const { begin, end, from: first } of windowsOf(ids.length, window, stride)) {
      const from = Math.max(first, leading - begin);
      const tokens = ids.slice(begin, end);
      let scores: PathScores | undefined;
      // A last window may have a single token, which has no context.
      if (tokens.length > from) {
        const options = { nodes: tokens.length - 1, places: isEach, signal };
        scores = await scorePaths(tree, [], [{ tokens, from }], options);
      }
      const { offsets, bytes } = places.of(begin + from, end);
      logprob = scores?.logprobs.reduce((sum, value) => sum + value, logprob) ?? logprob;
      tokenCount += scores?.logprobs.length ?? 0;
      byteCount += bytes;
      number++;
      const each = isEach && scores;
      yield {
        window: number,
        logprob,
        tokenCount,
        byteCount,
        tokens: () => (each ? scoredTokens(each, { tokens, from, first: 0, offsets }) : []),
      };
    }
  } finally {
    tree.close();
    if (!isWhole) reserved.answer.close();
  }
}

/** The places of a text's tokens, which are asked for in turn. */
class TextPlaces {
  readonly #ids: Int32Array;
  readonly #bytesOf: (id: number) => Uint8Array;
  readonly #offsets: TokenOffsets;
  #next: number;

  /** @param leading tokens that precede the text */
  constructor(tokenizer: Tokenizer, ids: Int32Array, leading: number) {
    this.#ids = ids;
    this.#next = leading;
    this.#bytesOf = tokenizer.bytesAfter([]);
    this.#offsets = tokenizer.offsetsAfter([]);
  }

  /** @returns the offset of each token from `from` up to `end`, and the bytes of all of them */
  of(from: number, end: number): { readonly offsets: Int32Array; readonly bytes: number } {
    const offsets = new Int32Array(end - from);
    let bytes = 0;
    for (; this.#next < end; this.#next++) {
      const id = this.#ids[this.#next] as number;
      const length = this.#bytesOf(id).length;
      const offset = this.#offsets.next(id);
      if (this.#next < from) continue;
      bytes += length;
      offsets[this.#next - from] = offset;
    }
    return { offsets, bytes };
  }
}

/** @throws ApiError */
function taskOf(model: ServedModel, request: PerplexityRequest): Task {
  const { engine, tokenizer } = model;
  const leading = request.addBosToken ? beginningOf(model, 'add_bos_token') : [];
  const text = textIds(model, request, tokenizer);
  const ids = new Int32Array(leading.length + text.length);
  ids.set(leading);
  ids.set(text, leading.length);
  if (ids.length < 2) {
    refuse(
      'text',
      'must have at least 2 tokens, the beginning-of-text token of add_bos_token included',
      ids.length,
    );
  }
  // The last token of a window is no row of the model, but has a position.
  const longest = Math.min(engine.contextLength, engine.status.slots.maximum + 1);
  const window = request.window ?? longest;
  if (window > engine.contextLength) {
    const rule = `must be at most ${engine.contextLength}, the context of the model`;
    throw new ApiError(400, `'window' ${rule}, not ${window}`, {
      param: 'window',
      code: 'context_length_exceeded',
    });
  }
  const stride = request.stride ?? Math.max(1, Math.floor(window / 2));
  if (stride > window) refuse('stride', `must be at most ${window}, the window`, stride);
  return { ids, leading: leading.length, window, stride };
}

function textIds(
  model: ServedModel,
  { text, splitSpecialTokens }: PerplexityRequest,
  tokenizer: Tokenizer,
): ArrayLike<number> {
  if (typeof text !== 'string') return checkedIds(model, text, 'text');
  const encoding = { addSpecialTokens: false, splitSpecialTokens };
  return checkedIds(model, encodeText(tokenizer, text, 'text', encoding), 'text');
}
