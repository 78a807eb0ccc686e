/** @module Decoding: a prompt, options and a model in; events while it runs and sequences in the end. */
import { beamSearch } from './beam-search.ts';
import type { DecodingEvent, DecodingResult } from './events.ts';
import { Hypothesis } from './hypothesis.ts';
import {
  type DecodingOptions,
  DecodingOptionsError,
  type ResolvedOptions,
  resolveOptions,
} from './options.ts';
import { processorsOf } from './processors/chain.ts';
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
 * @throws DecodingOptionsError at once; what the model throws, of its memory before any work, in the first event's place
 * @example for await (const event of decode(model, prompt, { num_beams: 4 })) console.log(event);
 */
export function decode(
  model: LanguageModel,
  prompt: ArrayLike<number>,
  given: DecodingOptions,
  context: DecodingContext = {},
): AsyncGenerator<DecodingEvent, DecodingResult, undefined> {
  const { options, warnings } = resolveOptions(given);
  checkAgainstModel(model, prompt.length, options, context);
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
    const search = {
      tree,
      prompt: Hypothesis.ofPrompt(prompt, node),
      rows,
      options,
      processors: processorsOf(options, {
        vocabSize: model.vocabSize,
        promptLength: prompt.length,
        eosTokenIds,
        maxLength,
      }),
      stopping: stoppingRule(
        {
          eosTokenIds,
          stopTokenIds: options.stop_token_ids,
          stopStrings: options.stop_strings,
          maxLength,
        },
        tokenizer,
      ),
      signal,
    };
    const sequences =
      options.num_beams > 1
        ? yield* beamSearch({ ...search, eosCount: eosTokenIds.length, random: seededRandom(options.seed) })
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

function checkAgainstModel(
  model: LanguageModel,
  promptLength: number,
  options: ResolvedOptions,
  { tokenizer }: DecodingContext,
): void {
  if (promptLength === 0) throw new RangeError('the prompt has no tokens');
  const room = model.contextLength - promptLength;
  if (options.max_new_tokens > room) {
    throw new DecodingOptionsError(
      'max_new_tokens',
      `'max_new_tokens' must be at most ${room} after a prompt of ${promptLength} in a context of ` +
        `${model.contextLength} tokens, not ${options.max_new_tokens}`,
    );
  }
  if (options.stop_strings.length > 0 && !tokenizer) {
    throw new DecodingOptionsError('stop_strings', "'stop_strings' needs a tokenizer, and none was given");
  }
}
