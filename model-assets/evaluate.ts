/**
 * @module Compares the next-token distributions of two converted models on a text.
 *
 * Both models read the same tokens in independent windows, each in its own onnxruntime. Logits are compared
 * row by row as they are computed, so memory grows by eight bytes per token only.
 */

import type { LanguageModel, TreeNode } from '../decoding/interface/token-tree.ts';
import { argmax } from '../decoding/math/sample-token.ts';
import type { CachePrecision } from '../engine/cache/kv-pool.ts';
import type { Engine } from '../engine/engine.ts';
import { loadEngine } from '../engine/node/load-engine.ts';
import { Tokenizer, UnencodableTextError } from '../tokenizer/tokenizer.ts';
import type { OnProgress } from './checkpoint/interface/progress.ts';

/** Rows per forward pass. */
const BATCH_ROWS = 64;
const DEFAULT_WINDOW = 256;

/** The options do not allow a comparison. */
export class EvaluationError extends Error {
  override readonly name = 'EvaluationError';
}

export interface EvaluateOptions {
  /** Folder of the converted model to evaluate. */
  readonly model: string;
  /** Folder of the converted model to compare it with. */
  readonly reference: string;
  /** Special tokens such as `<|endoftext|>` are parsed. */
  readonly text: string;
  /** An adapter of the evaluated model. Default: none. */
  readonly adapter?: string | undefined;
  /** KV cache precision of the evaluated model; the reference uses f32. Default: f32. */
  readonly cache?: CachePrecision | undefined;
  /** Maximum number of tokens to read. Default: all. */
  readonly tokens?: number | undefined;
  /** Tokens per window, at most the context of both models. Default: 256, or the context if smaller. */
  readonly window?: number | undefined;
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
}

/** The results of one model in a comparison. */
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
  /** Number of predicted tokens: all except the first. */
  readonly predictions: number;
  readonly window: number;
  /** Fraction of predictions with the same most likely token, 0 to 1. */
  readonly top1Agreement: number;
  /**
   * Kullback-Leibler divergence from the reference, `Σ p_ref · ln(p_ref / p_model)`, in nats per prediction.
   */
  readonly divergence: { readonly mean: number; readonly percentile99: number };
  readonly largestLogitDifference: number;
}

/**
 * Compares two converted models on a text.
 *
 * @throws EvaluationError for an adapter that the model does not have, models of different vocabularies, a text of fewer than two tokens, or a window
 *   that exceeds a model's context; the engine's ModelFilesError and HeapExhaustedError
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
  const evaluated = withAdapter(model, options.adapter);
  const window = checkWindow(model, reference, options.window);
  const ids = encode(model, options);

  const total = ids.length - 1;
  const sums = new Sums(total);
  for (let begin = 0; begin < total; begin += window) {
    await compareWindow([evaluated, reference], ids, begin, Math.min(begin + window, total), sums, options);
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

/** Sums over the compared rows. */
class Sums {
  modelLoss = 0;
  referenceLoss = 0;
  agreements = 0;
  largestLogitDifference = 0;
  rows = 0;
  /** One per row. */
  readonly divergences: Float64Array;

  constructor(rows: number) {
    this.divergences = new Float64Array(rows);
  }

  /** @param next the text's next token */
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

/** Compares the predictions of tokens `begin + 1` to `end`, in a window that starts at `begin`. */
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
  for (let first = begin; first < end; first += BATCH_ROWS) {
    signal?.throwIfAborted();
    const tokens = ids.subarray(first, Math.min(first + BATCH_ROWS, end));
    const [rows = [], referenceRows = []] = await Promise.all(readers.map((read) => read(tokens)));
    for (const [i, row] of rows.entries()) {
      // Both models return a row per token, and `end` is at most the index of the last token.
      sums.add(row, referenceRows[i] as Float32Array, ids[first + i + 1] as number);
    }
    onProgress?.(sums.rows, sums.divergences.length, 'tokens');
  }
}

function withAdapter(model: Engine, adapter: string | undefined): LanguageModel {
  if (adapter === undefined) return model;
  const names = (model.manifest.adapters ?? []).map(({ name }) => name);
  if (names.includes(adapter)) return model.withAdapter(adapter);
  throw new EvaluationError(`The model has no adapter ${adapter}; it has ${names.join(', ') || 'none'}`);
}

function checkWindow(model: Engine, reference: Engine, requested: number | undefined): number {
  const [file, other] = [model.manifest.tokenizer, reference.manifest.tokenizer];
  if (model.vocabSize !== reference.vocabSize || file.sha256 !== other.sha256) {
    throw new EvaluationError(
      `The models have different vocabularies: ${model.vocabSize} tokens, ` +
        `${file.path} ${file.sha256.slice(0, 8)}… and ${reference.vocabSize} tokens, ` +
        `${other.path} ${other.sha256.slice(0, 8)}…. HINT: convert both from one checkpoint`,
    );
  }
  const context = Math.min(model.contextLength, reference.contextLength);
  const window = requested ?? Math.min(DEFAULT_WINDOW, context);
  if (window > context) {
    throw new EvaluationError(`A window of ${window} tokens exceeds the context of ${context} tokens`);
  }
  return window;
}

function encode(model: Engine, { text, tokens }: EvaluateOptions): Int32Array {
  let ids: Int32Array;
  try {
    ids = Tokenizer.read(model.tokenizerFile).encode(text).subarray(0, tokens);
  } catch (error) {
    if (!(error instanceof UnencodableTextError)) throw error;
    throw new EvaluationError(`The text cannot be encoded: ${error.message}`);
  }
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
  const maximum = row[argmax(row)] as number;
  let sum = 0;
  for (const value of row) sum += Math.exp(value - maximum);
  return maximum + Math.log(sum);
}

const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Nearest-rank percentile, `fraction` in (0, 1]. */
function percentile(values: Float64Array, fraction: number): number {
  return values.toSorted()[Math.ceil(fraction * values.length) - 1] as number;
}
