/**
 * @module Decoding: from a prompt, options and a model to events while it runs, and to sequences at the end.
 */
import type { Trie } from './catalogue/trie.ts';
import type { Constraint } from './constraints/automaton/constraint.ts';
import { type HealedPrompt, healPrompt } from './constraints/automaton/healing.ts';
import type { Vocabulary } from './constraints/automaton/vocabulary.ts';
import { anyText } from './constraints/compile.ts';
import { DecodingOptionsError } from './interface/errors.ts';
import type { DecodedSequence, DecodingEvent, DecodingResult } from './interface/events.ts';
import type { LanguageModel, TokenTree, TreeNode } from './interface/token-tree.ts';
import { Rows } from './math/row-pool.ts';
import { SelectionWorkspace } from './math/selection.ts';
import { branchCount, isGuided, requiredNodes, withHealed } from './options/capacity.ts';
import {
  checkCatalogue,
  checkConstraint,
  checkLength,
  checkTokenIds,
  checkTokenizer,
} from './options/check-against-model.ts';
import { contextWindow, tokensInView } from './options/context-window.ts';
import { readsInPlace } from './options/in-place.ts';
import { type DecodingOptions, type ResolvedOptions, resolveOptions } from './options/options.ts';
import { processorsOf } from './options/processors.ts';
import { constraintRule, isAtEnd } from './processors/constraint.ts';
import { BeamSearch } from './strategies/beam-search.ts';
import { CatalogueSearch } from './strategies/catalogue-search.ts';
import { Hypothesis } from './strategies/hypothesis.ts';
import { appendPrompt, evaluatePrompt, scorePrompt } from './strategies/prompt.ts';
import { RawLogprobs } from './strategies/raw-logprobs.ts';
import { Sampling } from './strategies/sampling.ts';
import type { LiveHypothesis, LogitsTarget, Search, Strategy } from './strategies/search.ts';
import { stoppingCriterion, type TokenBytes } from './strategies/stopping.ts';
import { WindowedTree } from './strategies/windowed-tree.ts';

/** One for all searches: a selection never waits, and keeps nothing from row to row. The end of any search frees it. */
const workspace = new SelectionWorkspace();

export interface DecodingContext {
  /** Needed for `stop`, `stop_strings` and `dry_sequence_breakers` only. */
  readonly tokenizer?: TokenBytes | undefined;
  /** Of each generated text, over the tokens of the model's tokenizer (`compileConstraint`). */
  readonly constraint?: Constraint | undefined;
  /** Needed for `token_healing` only, and not beside a constraint, which has one. */
  readonly vocabulary?: Vocabulary | undefined;
  /** The one that the option `catalogue` names: the texts are entries of it. */
  readonly catalogue?: Trie | undefined;
  /** Stops before the next forward pass, with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

interface ResolvedContext extends DecodingContext {
  /** Of a healed prompt. */
  readonly healed?: HealedPrompt | undefined;
}

export type Decoding = AsyncGenerator<DecodingEvent, DecodingResult, undefined>;

/**
 * Continues `prompt`. All strategies stream: greedy search and sampling stream each token, beam search
 * streams the certain prefix of the answer and the beams of each step. Leaving the loop stops the work and
 * closes the token tree.
 * @param prompt token ids, at least one
 * @throws DecodingOptionsError synchronously; while iterating, the model's errors, and NoTokenLeftError when
 *   the options ban every next token. A model reports a lack of memory before the first forward pass.
 * @example for await (const event of decode(model, prompt, { num_beams: 4 })) console.log(event);
 */
export function decode(
  model: LanguageModel,
  prompt: ArrayLike<number>,
  input: DecodingOptions,
  context: DecodingContext = {},
): Decoding {
  const { options, warnings } = resolveOptions(input);
  checkLength(options, model, prompt.length);
  checkTokenizer(options, context.tokenizer);
  checkTokenIds(options, model);
  checkCatalogue(options, context.catalogue);
  // Without a text there is nothing that could begin with the prompt's end.
  const heals = options.token_healing && options.max_new_tokens > 0;
  const healed = heals ? healPrompt(prompt, vocabularyOf(context)) : undefined;
  if (!healed) {
    checkConstraint(options, context.constraint);
    return decodeResolved(model, prompt, options, context, warnings);
  }
  const { kept, removed } = healed;
  const constraint = (context.constraint ?? anyText(vocabularyOf(context))).after(healed.bytes);
  checkConstraint(options, context.constraint && constraint, removed.length);
  const longer = withHealed(options, removed.length);
  return decodeResolved(model, kept, longer, { ...context, constraint, healed }, warnings);
}

/** @throws DecodingOptionsError */
function vocabularyOf({ vocabulary, constraint }: DecodingContext): Vocabulary {
  const known = vocabulary ?? constraint?.vocabulary;
  if (known) return known;
  throw new DecodingOptionsError('token_healing', "'token_healing' needs a vocabulary, and none was given");
}

/** Runs `decode` to its end and returns only the result. */
export async function decodeAll(...args: Parameters<typeof decode>): Promise<DecodingResult> {
  const events = decode(...args);
  for (;;) {
    const { done, value } = await events.next();
    if (done) return value;
  }
}

/**
 * `decode` with resolved options that have passed the checks against the model and the prompt.
 * @param prompt if it is healed, what is left of it; the constraint begins with the bytes of the rest
 */
export async function* decodeResolved(
  model: LanguageModel,
  prompt: ArrayLike<number>,
  options: ResolvedOptions,
  { tokenizer, constraint: shared, catalogue, signal, healed }: ResolvedContext,
  warnings: readonly string[] = [],
): Decoding {
  signal?.throwIfAborted();
  if (catalogue?.isEmpty) return { sequences: [], warnings };
  const window = contextWindow(options, model, prompt.length);
  const opened = model.open(requiredNodes(prompt.length, options, catalogue, window));
  const windowed = window && new WindowedTree(opened, window, prompt.length);
  const tree = windowed ?? opened;
  using pool = new Rows(model.vocabSize);
  try {
    const inPlace = tree.lendsLogits === true && (catalogue !== undefined || readsInPlace(options));
    const rows = inPlace ? undefined : pool.take(branchCount(options));
    const unconditional = isGuided(options) ? pool.take(branchCount(options)) : undefined;
    const eosTokenIds = options.ignore_eos ? [] : (options.eos_token_id ?? model.eosTokenIds);
    const maxLength = prompt.length + options.max_new_tokens;
    // A forced end takes the place of the last token.
    const lastLength = options.forced_eos_token_id ? maxLength - 1 : maxLength;
    const constraint = shared?.forText();
    const endTokenIds = [...new Set([...eosTokenIds, ...options.stop_token_ids])];
    const rule =
      constraint && constraintRule(constraint, endTokenIds, options.allow_incomplete ? Infinity : lastLength);
    const limits = { promptLength: prompt.length, maxLength, eosTokenIds };
    const beams = options.num_beams > 1;
    const nodes = appendPrompt(tree, window ? tokensInView(prompt, window) : prompt);
    const negative = unconditional && appendPrompt(tree, negativePrompt(options, prompt));
    const lastNodes = [nodes, ...(negative ? [negative] : [])].map((path) => path.at(-1) as TreeNode);
    const search = {
      prompt: Hypothesis.ofPrompt(prompt, lastNodes, constraint),
      rows,
      unconditional,
      options,
      eosTokenIds,
      constraint: rule,
      // A search in place applies the constraint where it reads the logits.
      processors: processorsOf(
        options,
        inPlace ? limits : { ...limits, constraint: rule },
        workspace,
        tokenizer,
      ),
      stopping: stoppingCriterion(options, { ...limits, constraint: rule, healed }, tokenizer),
      rawLogprobs:
        options.logprobs === undefined || catalogue
          ? undefined
          : new RawLogprobs(() => pool.take(beams ? branchCount(options) : 1), options.logprobs, workspace),
      workspace,
    };
    const strategy = strategyOf(search, catalogue);
    const isEmpty = options.max_new_tokens === 0 || (rule && isAtEnd(rule, search.prompt));
    const target = isEmpty ? {} : promptTarget(strategy.live, rows);
    const { prompt_logprobs: top } = options;
    if (top === undefined) {
      await evaluatePrompt(tree, nodes, target);
    } else {
      const { vocabSize } = model;
      yield {
        type: 'prompt',
        logprobs: await scorePrompt(tree, nodes, target, { vocabSize, top, workspace }),
      };
    }
    const resets = () => (options.truncation === 'auto' ? { context_resets: windowed?.resets ?? 0 } : {});
    if (windowed?.resets) yield { type: 'context_reset', resets: windowed.resets };
    if (isEmpty) return { sequences: emptySequences(options, search.prompt), warnings, ...resets() };
    if (negative) await evaluatePrompt(tree, negative, { logits: unconditional[0] });
    // All branches or beams begin with the same logits.
    for (const [first, ...others] of [rows ?? [], unconditional ?? []]) {
      for (const row of others) row.set(first as Float32Array);
    }

    for (;;) {
      signal?.throwIfAborted();
      const previous = strategy.live.map(({ hypothesis }) => hypothesis);
      yield* strategy.step();
      if (strategy.live.length === 0) return { sequences: strategy.sequences, warnings, ...resets() };
      // The signal may have been aborted while the caller handled the step's events.
      signal?.throwIfAborted();
      const before = windowed?.resets;
      await advance(tree, previous, strategy.live);
      if (windowed && windowed.resets !== before) yield { type: 'context_reset', resets: windowed.resets };
    }
  } finally {
    tree.close();
    workspace.free();
  }
}

/**
 * One forward pass: appends the live hypotheses' nodes and computes their logits. The previous step's
 * hypotheses release their nodes first; a node with a live child remains.
 */
async function advance(
  tree: TokenTree,
  previous: readonly Hypothesis[],
  live: readonly LiveHypothesis[],
): Promise<void> {
  const evaluations = live.flatMap(({ hypothesis, target, unconditional }) =>
    hypothesis.appendTo(tree).flatMap((nodes, path) => {
      const own = path === 0 ? target : { logits: unconditional };
      return nodes.map((node, i) => (i === nodes.length - 1 ? { node, ...own } : { node }));
    }),
  );
  for (const hypothesis of new Set(previous)) hypothesis.releaseFrom(tree);
  await tree.evaluate(evaluations);
}

/** As in transformers, the last token of the prompt where there is no other. */
function negativePrompt(
  { negative_prompt_ids }: ResolvedOptions,
  prompt: ArrayLike<number>,
): ArrayLike<number> {
  return negative_prompt_ids ?? [prompt[prompt.length - 1] as number];
}

/** Every branch or beam takes the logits of the prompt's last token. */
function promptTarget(
  live: readonly LiveHypothesis[],
  rows: readonly Float32Array[] | undefined,
): LogitsTarget {
  if (rows) return { logits: rows[0] };
  // The search of a catalogue begins with one beam.
  const gather = live[0]?.target.gather;
  if (gather) return { gather };
  return {
    read(row) {
      for (const { target } of live) target.read?.(row);
    },
    // All have the same place in the same constraint.
    only: live[0]?.target.only,
  };
}

function strategyOf(search: Search, catalogue: Trie | undefined): Strategy {
  if (catalogue) return new CatalogueSearch(search, catalogue);
  return search.options.num_beams > 1 ? new BeamSearch(search) : new Sampling(search);
}

function emptySequences(options: ResolvedOptions, prompt: Hypothesis): DecodedSequence[] {
  const empty: DecodedSequence = {
    tokens: [],
    finish_reason: prompt.finishReason('length'),
    score: options.num_beams > 1 ? 0 : null,
    token_logprobs: [],
    model_logprobs: options.logprobs === undefined ? null : [],
    beam_indices: options.num_beams > 1 ? [] : null,
  };
  return new Array<DecodedSequence>(options.num_return_sequences).fill(empty);
}
