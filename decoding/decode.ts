/** @module Decoding: a prompt, options and a model in; events while it runs and sequences in the end. */
import type { DecodedSequence, DecodingEvent, DecodingResult } from './interface/events.ts';
import type { LanguageModel, TokenTree } from './interface/token-tree.ts';
import { SelectionWorkspace } from './math/selection.ts';
import { branchCount, requiredNodes } from './options/capacity.ts';
import { checkLength, checkTokenIds, checkTokenizer } from './options/check-against-model.ts';
import { type DecodingOptions, type ResolvedOptions, resolveOptions } from './options/options.ts';
import { processorsOf } from './options/processors.ts';
import { BeamSearch } from './strategies/beam-search.ts';
import { Hypothesis } from './strategies/hypothesis.ts';
import { evaluatePrompt, scorePrompt } from './strategies/prompt.ts';
import { RawLogprobs } from './strategies/raw-logprobs.ts';
import { Sampling } from './strategies/sampling.ts';
import type { LiveHypothesis } from './strategies/search.ts';
import { stoppingCriterion, type TokenBytes } from './strategies/stopping.ts';

export interface DecodingContext {
  /** Needed for `stop` and `stop_strings` only. */
  readonly tokenizer?: TokenBytes | undefined;
  /** Stops before the next forward pass, with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

export type Decoding = AsyncGenerator<DecodingEvent, DecodingResult, undefined>;

/**
 * Continues `prompt`. All strategies stream: greedy search and sampling token by token, beam search the certain beginning
 * of the answer and the beams of each step. Leaving the loop ends the work and gives everything back.
 * @param prompt token ids, at least one
 * @throws DecodingOptionsError at once; what the model throws, of its memory before any work, in the first event's place;
 *   NoTokenLeftError when the options ban every next token
 * @example for await (const event of decode(model, prompt, { num_beams: 4 })) console.log(event);
 */
export function decode(
  model: LanguageModel,
  prompt: ArrayLike<number>,
  given: DecodingOptions,
  context: DecodingContext = {},
): Decoding {
  const { options, warnings } = resolveOptions(given);
  checkLength(options, model, prompt.length);
  checkTokenizer(options, context.tokenizer);
  checkTokenIds(options, model);
  return decodeResolved(model, prompt, options, context, warnings);
}

/** The same, for callers that need the result alone. */
export async function decodeAll(...args: Parameters<typeof decode>): Promise<DecodingResult> {
  const events = decode(...args);
  for (;;) {
    const { done, value } = await events.next();
    if (done) return value;
  }
}

/** `decode` for options that are resolved, and checked against the model and the prompt. */
export async function* decodeResolved(
  model: LanguageModel,
  prompt: ArrayLike<number>,
  options: ResolvedOptions,
  { tokenizer, signal }: DecodingContext,
  warnings: readonly string[] = [],
): Decoding {
  signal?.throwIfAborted();
  const tree = model.open(requiredNodes(prompt.length, options));
  try {
    const rows = Array.from({ length: branchCount(options) }, () => new Float32Array(model.vocabSize));
    const logits = rows[0] as Float32Array;
    const workspace = new SelectionWorkspace();
    const { prompt_logprobs } = options;
    let node: Awaited<ReturnType<typeof evaluatePrompt>>;
    if (prompt_logprobs === undefined) {
      node = await evaluatePrompt(tree, prompt, logits);
    } else {
      const scored = await scorePrompt(tree, prompt, logits, prompt_logprobs, workspace);
      node = scored.node;
      yield { type: 'prompt', logprobs: scored.logprobs };
    }
    if (options.max_new_tokens === 0) return { sequences: emptySequences(options), warnings };

    const eosTokenIds = options.ignore_eos ? [] : (options.eos_token_id ?? model.eosTokenIds);
    const limits = {
      promptLength: prompt.length,
      maxLength: prompt.length + options.max_new_tokens,
      eosTokenIds,
    };
    const search = {
      prompt: Hypothesis.ofPrompt(prompt, node),
      rows,
      options,
      eosTokenIds,
      processors: processorsOf(options, limits, workspace),
      stopping: stoppingCriterion(options, limits, tokenizer),
      rawLogprobs:
        options.logprobs === undefined
          ? undefined
          : new RawLogprobs(rows.length, model.vocabSize, options.logprobs, workspace),
    };
    const strategy = options.num_beams > 1 ? new BeamSearch(search) : new Sampling(search);
    for (;;) {
      signal?.throwIfAborted();
      const previous = strategy.live.map(({ hypothesis }) => hypothesis);
      yield* strategy.step();
      if (strategy.live.length === 0) return { sequences: strategy.sequences, warnings };
      // Again: the reader has had the step's events since.
      signal?.throwIfAborted();
      await advance(tree, previous, strategy.live);
    }
  } finally {
    tree.close();
  }
}

/**
 * One forward pass: the live hypotheses get their nodes and their logits; the hypotheses of the step before release their
 * nodes, of which those stay that a live hypothesis continues.
 */
async function advance(
  tree: TokenTree,
  previous: readonly Hypothesis[],
  live: readonly LiveHypothesis[],
): Promise<void> {
  const evaluations = live.map(({ hypothesis, row }) => ({ node: hypothesis.appendTo(tree), logits: row }));
  for (const hypothesis of new Set(previous)) hypothesis.releaseFrom(tree);
  await tree.evaluate(evaluations);
}

function emptySequences(options: ResolvedOptions): DecodedSequence[] {
  const empty: DecodedSequence = {
    tokens: [],
    finish_reason: 'length',
    score: options.num_beams > 1 ? 0 : null,
    token_logprobs: [],
    model_logprobs: options.logprobs === undefined ? null : [],
    beam_indices: options.num_beams > 1 ? [] : null,
  };
  return new Array<DecodedSequence>(options.num_return_sequences).fill(empty);
}
