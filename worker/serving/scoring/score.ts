/** @module Scores choices after a prompt: a request in, an answer out, independent of HTTP. */
import { type Comparison, comparePaths, logLikelihoods } from '../../../decoding/scoring/compare.ts';
import { nodesOfPaths, type ScoredPath } from '../../../decoding/scoring/path-order.ts';
import { type PathScores, scorePaths } from '../../../decoding/scoring/score-paths.ts';
import type { Tokenizer } from '../../../tokenizer/tokenizer.ts';
import { type Usage, usageOf } from '../../http/request-record.ts';
import type { ServedModel } from '../../isolate/served-model.ts';
import type { RunOptions } from '../generate.ts';
import { type ScoringTask, scoringTask } from './choices.ts';
import { scoringBytes } from './memory.ts';
import type { ScoreRequest, TextOrIds } from './request.ts';
import { nodesWithin, type ReservedScoring, reserveScoring } from './reserve.ts';

/** A token of a choice. */
export interface ScoredToken {
  readonly id: number;
  readonly logprob: number;
  /** In the vocabulary, from 1. */
  readonly rank: number;
  /** Of the model's prediction of this place, in nats. */
  readonly entropy: number;
  /** Of its first character in the choice's text, in code points. */
  readonly offset: number;
}

export interface ScoredChoice {
  /** Of the choice in the request. */
  readonly index: number;
  /** By the normalization; ranks and probabilities are those of scores. */
  readonly score: number;
  /** From 1, the best. */
  readonly rank: number;
  /** Of the choice among all. */
  readonly probability: number;
  /** The sum of its tokens'. */
  readonly logprob: number;
  /** After a beginning of text in place of the prompt; null unless that is the normalization. */
  readonly unconditionalLogprob: number | null;
  readonly tokenCount: number;
  readonly byteCount: number;
  /** Whether greedy search chooses it after the prompt. */
  readonly isGreedy: boolean;
  /** Only if the request asks for them; computed anew in each call. */
  tokens(): Iterable<ScoredToken>;
}

/**
 * Scores all choices. The caller sends the answer and closes `held`.
 * @throws ApiError for a request that is not valid for the model; CapacityError for one that never fits; QueueFullError
 *   and QueueTimeoutError for one that does not fit now; what the engine throws
 */
export async function score(
  model: ServedModel,
  request: ScoreRequest,
  options: RunOptions,
): Promise<{ readonly answer: ScoreAnswer; readonly held: ReservedScoring['answer'] }> {
  const { engine } = model;
  const task = scoringTask(model, request);
  const { context, paths, withoutPrompt } = task;
  const alone = paths.map(({ tokens, from }) => ({ tokens: Array.from(tokens).slice(from), from: 0 }));
  const isCompared = withoutPrompt.length > 0;
  const needed = nodesOfPaths(context, paths);
  const nodes = nodesWithin(engine, isCompared ? larger(needed, nodesOfPaths(withoutPrompt, alone)) : needed);
  const reserved = await reserveScoring(
    engine,
    nodes,
    scoringBytes(sizeOf(request, task, nodes)),
    // What is pinned of a cached prompt would take space from the second tree.
    {
      prompt: isCompared ? undefined : context,
      shared: request.cachePrompt,
      adapter: request.adapter?.name,
    },
    options,
  );
  const { tree, answer } = reserved;
  const usage = () => usageOf(promptTokensOf(task), 0, tree.reusedEvaluations);
  try {
    const scoring = { nodes, signal: options.signal };
    const scores = await scorePaths(tree, context, paths, { ...scoring, places: request.tokens });
    const compared = isCompared ? await scorePaths(tree, withoutPrompt, alone, scoring) : undefined;
    const result = new ScoreAnswer(model.tokenizer, request, task, { scores, compared, usage: usage() });
    tree.close();
    return { answer: result, held: answer };
  } catch (error) {
    options.onFailed?.(usage());
    reserved.close();
    throw error;
  }
}

const larger = (a: { least: number; most: number }, b: { least: number; most: number }) => ({
  least: Math.max(a.least, b.least),
  most: Math.max(a.most, b.most),
});

/** The context once, and the choices. */
function promptTokensOf({ context, paths }: ScoringTask): number {
  return context.length + paths.reduce((sum, { tokens, from }) => sum + tokens.length - from, 0);
}

function sizeOf({ prompt, choices, tokens, normalization }: ScoreRequest, task: ScoringTask, nodes: number) {
  const characters = [prompt ?? '', ...choices].reduce((sum, text) => sum + lengthOf(text), 0);
  const scored = task.paths.reduce((sum, { tokens, from }) => sum + tokens.length - from, 0);
  const copies = normalization === 'pmi' ? 2 : 1;
  const all = task.context.length + task.paths.reduce((sum, { tokens }) => sum + tokens.length, 0);
  return {
    characters,
    tokens: copies * all,
    scored: copies * scored,
    choices: choices.length,
    nodes,
    places: tokens,
  };
}

const lengthOf = (text: TextOrIds) => (typeof text === 'string' ? text.length : 0);

export class ScoreAnswer {
  readonly usage: Usage;
  readonly #tokenizer: Tokenizer;
  readonly #task: ScoringTask;
  readonly #scores: PathScores;
  readonly #logprobs: Float64Array;
  readonly #unconditional: Float64Array | undefined;
  readonly #comparison: Comparison;

  /** @param compared the scores without the prompt, for `pmi` */
  constructor(
    tokenizer: Tokenizer,
    { normalization }: ScoreRequest,
    task: ScoringTask,
    {
      scores,
      compared,
      usage,
    }: { readonly scores: PathScores; readonly compared: PathScores | undefined; readonly usage: Usage },
  ) {
    this.usage = usage;
    this.#tokenizer = tokenizer;
    this.#task = task;
    this.#scores = scores;
    this.#logprobs = logLikelihoods(scores);
    this.#unconditional = compared && logLikelihoods(compared);
    const unconditional = this.#unconditional;
    this.#comparison = comparePaths(scores, { normalization, bytes: task.bytes, unconditional });
  }

  /** In the order of the request. */
  *choices(): Generator<ScoredChoice, void, undefined> {
    for (const index of this.#task.paths.keys()) yield this.#choice(index);
  }

  #choice(index: number): ScoredChoice {
    const { scores, ranks, probabilities } = this.#comparison;
    const { offsets, isGreedy } = this.#scores;
    const at = (list: ArrayLike<number>) => list[index] as number;
    return {
      index,
      score: at(scores),
      rank: at(ranks),
      probability: at(probabilities),
      logprob: at(this.#logprobs),
      unconditionalLogprob: this.#unconditional ? at(this.#unconditional) : null,
      tokenCount: (offsets[index + 1] as number) - (offsets[index] as number),
      byteCount: at(this.#task.bytes),
      isGreedy: isGreedy[index] === 1,
      tokens: () => this.#tokens(index),
    };
  }

  *#tokens(index: number): Generator<ScoredToken, void, undefined> {
    const { context, paths } = this.#task;
    const { tokens, from } = paths[index] as ScoredPath;
    const before = [...Array.from(context), ...Array.from(tokens).slice(0, from)];
    const offsetOf = this.#offsetsInChoice(before);
    yield* scoredTokens(this.#scores, {
      tokens,
      from,
      first: this.#scores.offsets[index] as number,
      offsets: Array.from(tokens).slice(from).map(offsetOf),
    });
  }

  /**
   * The offset of each scored token in the text of its choice: 0 for one that begins with the end of the prompt.
   * @param before all tokens before the first that is scored
   */
  #offsetsInChoice(before: readonly number[]): (id: number) => number {
    const { prompt, leading } = this.#task;
    // Without a prompt, and with nothing before it, the first token of a choice is not scored.
    const first = leading.length + prompt.length;
    const kept = before.slice(0, first);
    const position = this.#tokenizer.offsetsAfter(kept);
    for (const id of before.slice(first)) position.next(id);
    const changed = prompt.slice(kept.length - leading.length);
    if (changed.length === 0) return (id) => position.next(id);
    const decoder = this.#tokenizer.decodersAfter(kept, {})();
    const text = changed.map((id) => decoder.push(id)).join('') + decoder.flush();
    const { length } = [...text];
    return (id) => Math.max(0, position.next(id) - length);
  }
}

/**
 * The scored tokens of a path.
 * @param path its tokens, the index of its first score, and the offset of each scored token in the text
 */
export function* scoredTokens(
  { logprobs, ranks, entropies }: PathScores,
  {
    tokens,
    from,
    first,
    offsets,
  }: ScoredPath & { readonly first: number; readonly offsets: ArrayLike<number> },
): Generator<ScoredToken, void, undefined> {
  for (let i = from; i < tokens.length; i++) {
    const id = tokens[i] as number;
    const score = first + i - from;
    yield {
      id,
      logprob: logprobs[score] as number,
      rank: ranks?.[score] as number,
      entropy: entropies?.[score] as number,
      offset: offsets[i - from] as number,
    };
  }
}
