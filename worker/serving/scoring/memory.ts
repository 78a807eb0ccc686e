/**
 * @module What scoring holds in JavaScript at most, in bytes, known before the work starts.
 * `test/unit/worker/serving/scoring/memory.test.ts` compares it with V8's own figures.
 */
import { SCORED_ROWS } from '../../../decoding/options/capacity.ts';
import { BATCH_ROWS } from '../../../decoding/scoring/score-paths.ts';

/** A request's context, its schema's output, and a chunk of its answer. */
const REQUEST_BYTES = 64_000;
/** A choice: its lists, its places in the order of the tree, and its figures. */
const CHOICE_BYTES = 500;
/** A token id: in the request's own list, in that of the path, and while both are made. */
const ID_BYTES = 24;
/** A scored token: its log-probability; also its rank, and the entropy of its place. */
const LOGPROB_BYTES = 4;
const PLACE_BYTES = 12;
/** A node of the tree, with its row while it waits for a pass. */
const NODE_BYTES = 450;
/** A place in the list of the paths that a row is read for. */
const READ_BYTES = 8;

/** At least as many bytes are held for token ids, whatever is reported of them. */
export const bytesOfIds = (tokens: number): number => tokens * ID_BYTES;

export interface ScoringSize {
  /** UTF-16 code units of all texts. */
  readonly characters: number;
  /** Of all texts, and of what stands before them. */
  readonly tokens: number;
  /** Of the tokens whose scores are held at the same time. */
  readonly scored: number;
  readonly choices: number;
  /** Nodes of the tree at the same time. */
  readonly nodes: number;
  /** Whether each token is reported with its rank and entropy. */
  readonly places: boolean;
}

export interface ScoringBytes {
  /** Until the answer is sent. */
  readonly answer: number;
  /** While rows are computed. */
  readonly work: number;
}

export function scoringBytes({
  characters,
  tokens,
  scored,
  choices,
  nodes,
  places,
}: ScoringSize): ScoringBytes {
  const answer =
    REQUEST_BYTES +
    2 * characters +
    bytesOfIds(tokens) +
    choices * CHOICE_BYTES +
    scored * (places ? PLACE_BYTES : LOGPROB_BYTES);
  const reads = Math.min(scored, (BATCH_ROWS + SCORED_ROWS) * choices) * READ_BYTES;
  return { answer, work: nodes * NODE_BYTES + reads };
}
