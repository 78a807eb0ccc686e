/** @module Decoding: a prompt, options and a model in; events while it runs and sequences in the end. */

import type { DecodedSequence, DecodingEvent, DecodingResult } from './interface/events.ts';
import type { LanguageModel, TokenTree, TreeNode } from './interface/token-tree.ts';
import { seededRandom } from './math/random.ts';
import { SelectionWorkspace } from './math/selection.ts';
import { processorsOf } from './options/chain.ts';
import { checkAgainstModel } from './options/check-against-model.ts';
import { type DecodingOptions, type ResolvedOptions, resolveOptions } from './options/options.ts';
import { beamSearch, type TakenTokens } from './strategies/beam-search.ts';
import { Hypothesis } from './strategies/hypothesis.ts';
import { PromptLogprobs, RawLogprobs } from './strategies/model-logprobs.ts';
import { sampleBranches } from './strategies/sampling.ts';
import { stoppingRule, type TokenText } from './strategies/stopping.ts';

export interface DecodingContext {
  /** Needed for `stop` and `stop_strings` only. */
  readonly tokenizer?: TokenText | undefined;
  /** Stops before the next forward pass, with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Continues `prompt`. All strategies stream: greedy search and sampling token by token, beam search what is certain of
 * the answer and the whole front of beams. Leaving the loop ends the work and gives everything back.
 * @param prompt token ids, at least one
 * @throws DecodingOptionsError at once; what the model throws, of its memory before any work, in the first event's place;
 *   NoTokenLeftError when options ban all that could come next
 * @example for await (const event of decode(model, prompt, { num_beams: 4 })) console.log(event);
 */
export function decode(
  model: LanguageModel,
  prompt: ArrayLike<number>,
  given: DecodingOptions,
  context: DecodingContext = {},
): AsyncGenerator<DecodingEvent, DecodingResult, undefined> {
  const { options, warnings } = resolveOptions(given);
  checkAgainstModel(options, model, prompt.length, context.tokenizer);
  return run(model, prompt, options, warnings, context);
}

/** The same, for who needs the result alone. */
export async function decodeAll(...args: Parameters<typeof decode>): Promise<DecodingResult> {
  const events = decode(...args);
  for (;;) {
    const { done, value } = await events.next();
    if (done) return value;
  }
}

/** Nodes that a generation may hold at one time: its prompt once, and each branch's tokens but the last. */
export function nodesNeeded(promptLength: number, options: ResolvedOptions): number {
  return promptLength + branchCount(options) * Math.max(options.max_new_tokens - 1, 0);
}

/** The most `max_new_tokens` with which `branches` branches or beams after a prompt hold at most `nodes` nodes; 0 for none. */
export function mostNewTokens(nodes: number, promptLength: number, branches: number): number {
  return nodes < promptLength ? 0 : Math.floor((nodes - promptLength) / branches) + 1;
}

/** Texts, or beams, that a generation works on side by side. */
export function branchCount({
  num_beams = 1,
  num_return_sequences = 1,
  best_of,
}: Pick<DecodingOptions, 'num_beams' | 'num_return_sequences' | 'best_of'>): number {
  return num_beams > 1 ? num_beams : (best_of ?? num_return_sequences);
}

async function* run(
  model: LanguageModel,
  prompt: ArrayLike<number>,
  options: ResolvedOptions,
  warnings: readonly string[],
  { tokenizer, signal }: DecodingContext,
): AsyncGenerator<DecodingEvent, DecodingResult, undefined> {
  signal?.throwIfAborted();
  const tree = model.open(nodesNeeded(prompt.length, options));
  try {
    const rows = Array.from({ length: branchCount(options) }, () => new Float32Array(model.vocabSize));
    const workspace = new SelectionWorkspace();
    const { prompt_logprobs } = options;
    const thoughts =
      prompt_logprobs === undefined ? undefined : new PromptLogprobs(prompt_logprobs, workspace);
    const node = await evaluatePrompt(tree, prompt, rows[0] as Float32Array, thoughts);
    if (thoughts) yield { type: 'prompt', logprobs: thoughts.logprobs };
    if (options.max_new_tokens === 0) return { sequences: nothingGenerated(options), warnings };
    const eosTokenIds = options.ignore_eos ? [] : (options.eos_token_id ?? model.eosTokenIds);
    const maxLength = prompt.length + options.max_new_tokens;
    const taken: TakenTokens = [];
    const stops = {
      stopTokenIds: options.stop_token_ids,
      stopStrings: options.stop_strings,
      generatedStops: options.stop,
      promptLength: prompt.length,
    };
    const search = {
      tree,
      prompt: Hypothesis.ofPrompt(prompt, node),
      rows,
      options,
      processors: processorsOf(
        options,
        { promptLength: prompt.length, eosTokenIds, maxLength, taken },
        workspace,
      ),
      stopping: stoppingRule({ eosTokenIds, maxLength, ...stops }, tokenizer),
      rawLogprobs:
        options.logprobs === undefined ? undefined : new RawLogprobs(rows, options.logprobs, workspace),
      signal,
    };
    const sequences =
      options.num_beams > 1
        ? yield* beamSearch({ ...search, eosTokenIds, random: seededRandom(options.seed) }, taken)
        : yield* sampleBranches({ ...search, randoms: rows.map((_, i) => seededRandom(options.seed, i)) });
    return { sequences, warnings };
  } finally {
    tree.close();
  }
}

/** Rows of logits that are in memory at a time when all are asked for. */
const ROWS_AT_A_TIME = 8;

/**
 * @param thoughts that are to be had of each token
 * @returns the last token's node; its logits are in `logits`
 */
async function evaluatePrompt(
  tree: TokenTree,
  prompt: ArrayLike<number>,
  logits: Float32Array,
  thoughts?: PromptLogprobs,
): Promise<TreeNode> {
  const nodes: TreeNode[] = [];
  for (let i = 0; i < prompt.length; i++) {
    nodes.push(tree.append(nodes.at(-1) ?? null, prompt[i] as number));
  }
  const last = nodes.at(-1) as TreeNode;
  const atATime = thoughts ? ROWS_AT_A_TIME : nodes.length;
  const rows = Array.from({ length: thoughts ? ROWS_AT_A_TIME : 0 }, () => new Float32Array(logits.length));
  for (let begin = 0; begin < nodes.length; begin += atATime) {
    const some = nodes.slice(begin, begin + atATime);
    const rowOf = (node: TreeNode, i: number) => (node === last ? logits : rows[i]);
    await tree.evaluate(
      some.map((node, i) => {
        const row = rowOf(node, i);
        return row ? { node, logits: row } : { node };
      }),
    );
    for (const [i, node] of some.entries()) {
      const next = nodes[begin + i + 1];
      const row = rowOf(node, i);
      if (next && row) thoughts?.add(row, next.token);
    }
  }
  // What follows holds those before it.
  for (const node of nodes) if (node !== last) tree.release(node);
  return last;
}

function nothingGenerated(options: ResolvedOptions): DecodedSequence[] {
  const none: DecodedSequence = {
    tokens: [],
    finish_reason: 'length',
    score: options.num_beams > 1 ? 0 : null,
    token_logprobs: [],
    model_logprobs: options.logprobs === undefined ? null : [],
    beam_indices: options.num_beams > 1 ? [] : null,
  };
  return new Array<DecodedSequence>(options.num_return_sequences).fill(none);
}
