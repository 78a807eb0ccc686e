/**
 * @module What a generation holds in JavaScript at most, in bytes. It is known before the work starts, because
 * everything follows from the number of texts, their length and what is reported of each token.
 * `test/unit/worker/serving/memory-estimate.test.ts` compares it with V8's own figures.
 */
import type { TrieLevel } from '../../decoding/catalogue/trie.ts';
import { branchCount, isGuided, pathCount, SCORED_ROWS } from '../../decoding/options/capacity.ts';
import { bestOfBeam, readsInPlace } from '../../decoding/options/in-place.ts';
import { DEFAULTS, type ResolvedOptions } from '../../decoding/options/options.ts';
import { TokenLog } from './token-log.ts';

/** The form of an answer decides how much of it is held. An object is what a call over RPC returns. */
export type AnswerForm = 'stream' | 'whole' | 'object';

/** The figures that the memory of a generation depends on. */
export interface GenerationSize {
  /** Number of tokens of each prompt. */
  readonly prompts: readonly number[];
  /** UTF-16 code units of all prompts. */
  readonly characters: number;
  readonly vocabSize: number;
  /** Whether the answer is sent event by event, is collected before it is sent, or becomes an object besides. */
  readonly form: AnswerForm;
  /** Number of texts per prompt, copies included. */
  readonly n: number;
  /** The most tokens of a text that the model sees at a time, if it may be longer than the context. */
  readonly inView?: number | undefined;
  /** Whether an answer repeats the prompt before each text. */
  readonly echo?: boolean;
  /** Bytes of its compiled constraint, if it has one. */
  readonly constraint?: number | undefined;
  /** Number of tokens that were taken off a healed prompt, and are generated anew: the largest. */
  readonly healed?: number;
  /** The levels of the catalogue that is searched. */
  readonly catalogue?: readonly TrieLevel[] | undefined;
  readonly options: SizeOptions;
}

/** The options that the memory of a generation depends on. */
export type SizeOptions = Pick<ResolvedOptions, 'num_beams' | 'num_return_sequences' | 'max_new_tokens'> &
  Partial<ResolvedOptions>;

export interface MemoryEstimate {
  /** Held from the first token until the answer is sent. */
  readonly answer: number;
  /** Held while a prompt is decoded; several prompts may be at the same time. */
  readonly search: number;
}

const FLOAT_BYTES = Float32Array.BYTES_PER_ELEMENT;
/** A request's context, its schema's output, and a chunk of its answer. */
const REQUEST_BYTES = 64_000;
/** The objects of a search beside its rows and its hypotheses. */
const SEARCH_BYTES = 24_000;
/** A prompt's objects beside its ids and its text. */
const PROMPT_BYTES = 400;
/** A text's objects beside its tokens. */
const TEXT_BYTES = 700;
/** A token of a hypothesis: in its log, which may have a quarter more space, and in the lists of the result. */
const TOKEN_BYTES = 40;
/** The id of a token in a log. */
const LOGGED_ID_BYTES = 5;
/** The node of a token. */
const NODE_BYTES = 156;
/** The nodes of a token in view: in the tree and in its window, and those of the window that a reset has just left. */
const WINDOW_NODES_BYTES = 380;
/** Of a healed prompt: the states of its rest, and the mask of the tokens that may follow. */
const HEALING_BYTES = 40_000;
/** What DRY knows of tokens, and what it finds in a row. */
const DRY_BYTES = 60_000;
/** A token that a beam can be extended by: its id and its score. */
const BEST_BYTES = 8;
/** More than the ties of the last of them, and the beam's objects. */
const BEST_SLACK = 64;
/** Its log-probabilities, and each of the likeliest tokens. */
const LOGPROB_BYTES = 104;
const TOP_BYTES = 62;
/** The states that constrained texts lead to: some thousands, in workerd, where V8's pointers have four bytes. */
const CONSTRAINED_TEXT_BYTES = 200_000;
/** In the JSON, in its value and in the value's clone: text of a token, its log-probability, each of the likeliest. */
const JSON_TEXT_BYTES = 32;
const JSON_LOGPROB_BYTES = 620;
const JSON_TOP_BYTES = 250;
/** A child of a node of a catalogue and its token, in lists of the part that a prefix leaves. */
const LISTED_CHILD_BYTES = 16;
/** Text of a token, once it is decoded. The last event of a stream may have the whole text. */
const TOKEN_TEXT_BYTES = 8;

export function estimateMemory(size: GenerationSize): MemoryEstimate {
  const { prompts, characters, vocabSize, form, n, constraint, healed = 0 } = size;
  const { catalogue, inView, options } = size;
  const { num_beams, num_return_sequences, logprobs, prompt_logprobs } = options;
  const max_new_tokens = options.max_new_tokens + healed;
  const promptTokens = prompts.reduce((sum, length) => sum + length, 0);
  const longest = Math.max(...prompts);
  const branches = branchCount(options);

  const collected =
    num_return_sequences * (TEXT_BYTES + max_new_tokens * TokenLog.bytesPerToken(logprobs)) * prompts.length +
    (prompt_logprobs === undefined ? 0 : promptTokens * TokenLog.bytesPerPromptToken(prompt_logprobs));
  const answer =
    REQUEST_BYTES +
    (constraint === undefined ? 0 : constraint + CONSTRAINED_TEXT_BYTES) +
    prompts.length * PROMPT_BYTES +
    promptTokens * Int32Array.BYTES_PER_ELEMENT +
    2 * characters +
    (form === 'stream' ? n * (TEXT_BYTES + max_new_tokens * TOKEN_TEXT_BYTES) : collected) +
    (form === 'object' ? objectBytes(size, promptTokens) : 0);

  // The log-probabilities of the tokens that go on after the beams, and the children that a prefix leaves.
  const widest = Math.max(...(catalogue?.map(({ nodes }) => nodes) ?? [0]));
  const listed = options.catalogue_prefix ? LISTED_CHILD_BYTES : 0;
  const gathered = (FLOAT_BYTES + listed) * widest;

  // A search in place has a row only while it chooses from a whole one, and beams keep the best of theirs.
  const resolved: ResolvedOptions = { ...DEFAULTS, ...options };
  const inPlace = catalogue !== undefined || readsInPlace(resolved);
  const branchRows = catalogue ? 0 : inPlace ? 1 : pathCount(resolved);
  const bestOfBeams = bestOfBeam(resolved, options.eos_token_id?.length ?? 1) + BEST_SLACK;
  const best = inPlace && !catalogue && num_beams > 1 ? branches * bestOfBeams * BEST_BYTES : 0;

  // Beam search looks up the chosen tokens of all beams at the end of a step, sampling row by row.
  const rawRows = logprobs === undefined || catalogue ? 0 : num_beams > 1 ? branches : 1;
  const scoredRows = prompt_logprobs === undefined ? 0 : SCORED_ROWS + 1;
  // The counts of tokens.
  const countRows = options.frequency_penalty || options.presence_penalty ? 1 : 0;
  // Of a beam search there are as many finished hypotheses, but all of them share their beginnings.
  const hypotheses = num_beams > 1 ? 1.5 * branches : branches;
  const row = vocabSize * FLOAT_BYTES;
  const scoredToken = NODE_BYTES + tokenBytes(prompt_logprobs);
  const scored =
    Math.min(longest, inView ?? longest) * (prompt_logprobs === undefined ? TOKEN_TEXT_BYTES : scoredToken);
  const nodesOfToken = isGuided(resolved) ? 2 : 1;
  const nodes = inView === undefined ? max_new_tokens * nodesOfToken * NODE_BYTES : 0;
  // A window has nodes of the prompt too. What has finished has none.
  const windows = branches * (inView ?? 0) * WINDOW_NODES_BYTES;
  const extended =
    hypotheses *
    (TEXT_BYTES +
      LOGGED_ID_BYTES * (longest + max_new_tokens) +
      max_new_tokens * tokenBytes(logprobs) +
      nodes);
  // The rows that scored the prompt serve as raw rows afterwards.
  const rows = branchRows + Math.max(scoredRows, rawRows) + countRows;
  const dry = options.dry_multiplier ? DRY_BYTES : 0;
  const healing = healed > 0 ? HEALING_BYTES : 0;
  const search = SEARCH_BYTES + rows * row + best + gathered + scored + extended + windows + healing + dry;
  return { answer: Math.ceil(answer), search: Math.ceil(search) };
}

/** @returns the bytes of a generation with one prompt at a time, the least that it can be done with */
export function leastMemory(size: GenerationSize): number {
  const { answer, search } = estimateMemory(size);
  return answer + search;
}

/** The largest integer from `least` to `most` that fits, by bisection; undefined if `least` does not. */
export function largestThatFits(
  least: number,
  most: number,
  fits: (value: number) => boolean,
): number | undefined {
  if (most < least || !fits(least)) return undefined;
  let [low, high] = [least, most];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The JSON of an answer, its value, and the value's clone: of each copy of a text, and of each copy of its prompt. */
function objectBytes(
  { prompts, n, characters, echo = false, options }: GenerationSize,
  promptTokens: number,
): number {
  const { max_new_tokens, logprobs } = options;
  const texts = n * prompts.length * (TEXT_BYTES + max_new_tokens * tokenJsonBytes(logprobs));
  if (!echo) return texts;
  const reported = logprobs === undefined ? 0 : promptTokens * tokenJsonBytes(logprobs);
  return texts + n * (3 * 2 * characters + reported);
}

function tokenJsonBytes(top: number | undefined): number {
  return JSON_TEXT_BYTES + (top === undefined ? 0 : JSON_LOGPROB_BYTES + top * JSON_TOP_BYTES);
}

/** Bytes of a token in a hypothesis, without its nodes. */
function tokenBytes(top: number | undefined): number {
  return TOKEN_BYTES + (top === undefined ? 0 : LOGPROB_BYTES + top * TOP_BYTES);
}
