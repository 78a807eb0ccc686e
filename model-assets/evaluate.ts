/**
 * @module What a conversion costs: how far one converted model's next-token distributions are from another's on a text.
 *
 * Both models read the same tokens in windows that begin without a past, each in an onnxruntime of its own. Each
 * row of logits is compared as it comes, so memory does not grow with the text but for eight bytes a token.
 */

import type { LanguageModel, TreeNode } from '../decoding/interface/token-tree.ts';
import { argmax } from '../decoding/math/sample-token.ts';
import type { CachePrecision } from '../engine/cache/kv-pool.ts';
import type { Engine } from '../engine/engine.ts';
import { loadEngine } from '../engine/node/load-engine.ts';
import type { OnProgress } from './convert/convert.ts';

/** Rows that go through a model at once. */
const BATCH_ROWS = 64;
const DEFAULT_WINDOW = 256;

/** The models, or a model and the text, cannot be compared as asked. */
export class EvaluationError extends Error {
  override readonly name = 'EvaluationError';
}

export interface EvaluateOptions {
  /** Folder of the converted model in question. */
  readonly model: string;
  /** Folder of the converted model it is held against. */
  readonly reference: string;
  /** Special tokens such as `<|endoftext|>` count as what they are. */
  readonly text: string;
  /** How the model in question keeps keys and values; the reference keeps them in f32. Default: f32. */
  readonly cache?: CachePrecision | undefined;
  /** The most tokens of the text to read. Default: all. */
  readonly tokens?: number | undefined;
  /** Tokens a window has, at most the context of both models. Default: 256, or the context where it is smaller. */
  readonly window?: number | undefined;
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
}

/** Of one model in a comparison. */
export interface ModelFigures {
  readonly name: string;
  readonly precision: string;
  readonly weightBytes: number;
  /** `exp` of the mean negative log-likelihood of the text's tokens. */
  readonly perplexity: number;
}

export interface Comparison {
  readonly model: ModelFigures;
  readonly reference: ModelFigures;
  /** Tokens that were predicted: all that were read but the first. */
  readonly predictions: number;
  readonly window: number;
  /** The share of predictions whose most likely token is the same, 0 to 1. */
  readonly top1Agreement: number;
  /** Kullback-Leibler divergence of the model from the reference, `Σ p_ref · ln(p_ref / p_model)`, in nats a prediction. */
  readonly divergence: { readonly mean: number; readonly percentile99: number };
  readonly largestLogitDifference: number;
}

/**
 * Compares two converted models on a text.
 *
 * @throws EvaluationError for models of different vocabularies, a text of fewer than two tokens, a window that is
 *   wider than a context; ModelFilesError, HeapExhaustedError as the engine does
 * @example
 * const { top1Agreement } = await evaluate({ model: 'dist/int8', reference: 'dist/f32', text });
 */
export async function evaluate(options: EvaluateOptions): Promise<Comparison> {
  using engines = new DisposableStack();
  const { signal } = options;
  const load = async (folder: string, cache: CachePrecision) =>
    engines.adopt(
      await loadEngine(folder, { maxRows: BATCH_ROWS, cache, ...(signal && { signal }) }),
      (engine) => engine.release(),
    );
  const model = await load(options.model, options.cache ?? 'f32');
  const reference = await load(options.reference, 'f32');
  const window = checkWindow(model, reference, options.window);
  const ids = encode(model, options);

  const total = ids.length - 1;
  const sums = new Sums(total);
  for (let begin = 0; begin < total; begin += window) {
    await compareWindow([model, reference], ids, begin, Math.min(begin + window, total), sums, options);
  }
  return {
    model: figuresOf(model, sums.modelLoss / total),
    reference: figuresOf(reference, sums.referenceLoss / total),
    predictions: total,
    window,
    top1Agreement: sums.agreements / total,
    divergence: { mean: mean(sums.divergences), percentile99: percentile(sums.divergences, 0.99) },
    largestLogitDifference: sums.largestLogitDifference,
  };
}

/** What the rows add up to. */
class Sums {
  modelLoss = 0;
  referenceLoss = 0;
  agreements = 0;
  largestLogitDifference = 0;
  rows = 0;
  /** One a row. */
  readonly divergences: Float64Array;

  constructor(rows: number) {
    this.divergences = new Float64Array(rows);
  }

  /** @param next the token that the text goes on with */
  add(model: Float32Array, reference: Float32Array, next: number): void {
    const modelNorm = logSumExp(model);
    const referenceNorm = logSumExp(reference);
    let divergence = 0;
    for (let i = 0; i < model.length; i++) {
      const [m, r] = [model[i] as number, reference[i] as number];
      const logProbability = r - referenceNorm;
      divergence += Math.exp(logProbability) * (logProbability - (m - modelNorm));
      this.largestLogitDifference = Math.max(this.largestLogitDifference, Math.abs(m - r));
    }
    this.divergences[this.rows++] = divergence;
    this.modelLoss += modelNorm - (model[next] as number);
    this.referenceLoss += referenceNorm - (reference[next] as number);
    if (argmax(model) === argmax(reference)) this.agreements++;
  }
}

/** Reads `ids` from `begin` up to `end`, each token predicting the one after it. */
async function compareWindow(
  models: readonly [model: LanguageModel, reference: LanguageModel],
  ids: Int32Array,
  begin: number,
  end: number,
  sums: Sums,
  { onProgress, signal }: EvaluateOptions,
): Promise<void> {
  using trees = new DisposableStack();
  const readers = models.map((model) => {
    const tree = trees.adopt(model.open(end - begin), (opened) => opened.close());
    let last: TreeNode | null = null;
    return async (tokens: Int32Array): Promise<Float32Array[]> => {
      const evaluations = Array.from(tokens, (token) => {
        last = tree.append(last, token);
        return { node: last, logits: new Float32Array(model.vocabSize) };
      });
      await tree.evaluate(evaluations);
      return evaluations.map(({ logits }) => logits);
    };
  });
  for (let at = begin; at < end; at += BATCH_ROWS) {
    signal?.throwIfAborted();
    const tokens = ids.subarray(at, Math.min(at + BATCH_ROWS, end));
    const [rows = [], referenceRows = []] = await Promise.all(readers.map((read) => read(tokens)));
    for (const [i, row] of rows.entries()) {
      // Both models have a row for each token, and the text a token after each.
      sums.add(row, referenceRows[i] as Float32Array, ids[at + i + 1] as number);
    }
    onProgress?.(sums.rows, sums.divergences.length, 'tokens');
  }
}

function checkWindow(model: Engine, reference: Engine, asked: number | undefined): number {
  const [file, other] = [model.manifest.tokenizer, reference.manifest.tokenizer];
  if (model.vocabSize !== reference.vocabSize || file.sha256 !== other.sha256) {
    throw new EvaluationError(
      `The models have different vocabularies: ${model.vocabSize} tokens, ${file.path} ${file.sha256.slice(0, 8)}… and ${reference.vocabSize} tokens, ${other.path} ${other.sha256.slice(0, 8)}…. HINT: convert both from one checkpoint`,
    );
  }
  const context = Math.min(model.contextLength, reference.contextLength);
  const window = asked ?? Math.min(DEFAULT_WINDOW, context);
  if (window > context) {
    throw new EvaluationError(`A window of ${window} tokens is wider than the context of ${context} tokens`);
  }
  return window;
}

function encode(model: Engine, { text, tokens }: EvaluateOptions): Int32Array {
  const ids = model.tokenizer.encode(text, { parseSpecial: true }).subarray(0, tokens);
  if (ids.length < 2) {
    throw new EvaluationError(
      `The text has ${ids.length} tokens, expected 2 or more: one to read and one to predict`,
    );
  }
  return ids;
}

function figuresOf({ manifest }: Engine, loss: number): ModelFigures {
  const weightBytes = manifest.shards.reduce((sum, { bytes }) => sum + bytes, 0);
  return { name: manifest.name, precision: manifest.precision, weightBytes, perplexity: Math.exp(loss) };
}

/** `ln Σ exp(row)`, in double precision */
function logSumExp(row: Float32Array): number {
  const largest = row[argmax(row)] as number;
  let sum = 0;
  for (const value of row) sum += Math.exp(value - largest);
  return largest + Math.log(sum);
}

const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** By nearest rank: the least value that `share` of all values do not pass. */
function percentile(values: Float64Array, share: number): number {
  return values.toSorted()[Math.ceil(share * values.length) - 1] as number;
}
