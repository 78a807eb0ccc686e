/** @module Decoding: a prompt, options and a model in; events while it runs and sequences in the end. */
import { beamSearch, type TakenTokens } from './beam-search.ts';
import { checkAgainstModel } from './check-against-model.ts';
import type { DecodingEvent, DecodingResult } from './events.ts';
import { Hypothesis } from './hypothesis.ts';
import { ModelRows } from './model-logprobs.ts';
import { type DecodingOptions, type ResolvedOptions, resolveOptions } from './options.ts';
import { processorsOf } from './processors/chain.ts';
import { Scratch } from './processors/selection.ts';
import { seededRandom } from './random.ts';
import { sampleBranches } from './sampling.ts';
import { stoppingRule, type TokenText } from './stopping.ts';
import type { LanguageModel, TokenTree, TreeNode } from './token-tree.ts';

export interface DecodingContext {
  /** Needed for `stop_strings` only. */
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
  return promptLength + branchCount(options) * (options.max_new_tokens - 1);
}

/** The most `max_new_tokens` with which `branches` branches or beams after a prompt hold at most `nodes` nodes; 0 for none. */
export function mostNewTokens(nodes: number, promptLength: number, branches: number): number {
  return nodes < promptLength ? 0 : Math.floor((nodes - promptLength) / branches) + 1;
}

function branchCount({ num_beams, num_return_sequences, best_of }: ResolvedOptions): number {
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
    const node = await evaluatePrompt(tree, prompt, rows[0] as Float32Array);
    const eosTokenIds = options.ignore_eos ? [] : (options.eos_token_id ?? model.eosTokenIds);
    const maxLength = prompt.length + options.max_new_tokens;
    const scratch = new Scratch();
    const taken: TakenTokens = [];
    const stops = { stopTokenIds: options.stop_token_ids, stopStrings: options.stop_strings };
    const search = {
      tree,
      prompt: Hypothesis.ofPrompt(prompt, node),
      rows,
      options,
      processors: processorsOf(
        options,
        { promptLength: prompt.length, eosTokenIds, maxLength, taken },
        scratch,
      ),
      stopping: stoppingRule({ eosTokenIds, maxLength, ...stops }, tokenizer),
      modelRows: options.logprobs === undefined ? undefined : new ModelRows(rows, options.logprobs, scratch),
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

/** @returns the last token's node; its logits are in `logits` */
async function evaluatePrompt(
  tree: TokenTree,
  prompt: ArrayLike<number>,
  logits: Float32Array,
): Promise<TreeNode> {
  const nodes: TreeNode[] = [];
  for (let i = 0; i < prompt.length; i++) {
    nodes.push(tree.append(nodes.at(-1) ?? null, prompt[i] as number));
  }
  const last = nodes.at(-1) as TreeNode;
  await tree.evaluate(nodes.map((node) => (node === last ? { node, logits } : { node })));
  // What follows holds those before it.
  for (const node of nodes) if (node !== last) tree.release(node);
  return last;
}
