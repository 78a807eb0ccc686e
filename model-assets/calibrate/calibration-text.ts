/**
 * @module The calibration text: a given text, or samples from the model itself.
 *
 * A model's samples resemble the text that it will generate (Liu et al. 2023, "LLM-QAT", calibrate this way),
 * and need no data set.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeAll } from '../../decoding/index.ts';
import { loadEngine } from '../../engine/node/load-engine.ts';
import { Tokenizer, UnencodableTextError } from '../../tokenizer/tokenizer.ts';
import { CheckpointError } from '../checkpoint/interface/errors.ts';
import type { ModelConfig } from '../format/manifest.ts';
import type { CalibrationTokens } from './calibration-pass.ts';

/** Tokens of a window, at most; a smaller context limits it. */
const WINDOW = 512;
const WINDOWS = 16;
/** Above 1, for variety: statistics suffer from repetition (figures: docs/quantization.md). */
const TEMPERATURE = 1.2;

/** @returns the first tokens of `text`, in whole windows. */
export function tokenizeCalibrationText(
  text: string,
  tokenizer: Uint8Array,
  config: ModelConfig,
): CalibrationTokens {
  const ids = encode(text, tokenizer);
  const window = Math.min(WINDOW, config.n_positions);
  const windows = Math.min(WINDOWS, Math.floor(ids.length / window));
  if (windows === 0) {
    throw new CheckpointError(
      `The calibration text has ${ids.length} tokens, expected ${window} or more: ` +
        'use a longer text, or --calibration self',
    );
  }
  return { ids: Int32Array.from(ids.subarray(0, windows * window)), window };
}

/** @throws CheckpointError for a text that has no ids */
function encode(text: string, tokenizer: Uint8Array): Int32Array {
  try {
    return Tokenizer.read(tokenizer).encode(text);
  } catch (error) {
    if (!(error instanceof UnencodableTextError)) throw error;
    throw new CheckpointError(`The calibration text cannot be encoded: ${error.message}`);
  }
}

/**
 * Samples texts from the model. Deterministic: the seed is fixed.
 * @param convertTo converts the model into the given folder.
 */
export async function sampleCalibrationTokens(
  config: ModelConfig,
  convertTo: (folder: string) => Promise<unknown>,
  signal?: AbortSignal,
): Promise<CalibrationTokens> {
  const folder = await mkdtemp(join(tmpdir(), 'edgebeam-calibration-'));
  try {
    await convertTo(join(folder, 'model'));
    const engine = await loadEngine(join(folder, 'model'), { ...(signal && { signal }) });
    try {
      const first = config.bos_token_id ?? config.eos_token_ids[0] ?? 0;
      const window = Math.min(WINDOW, config.n_positions);
      const { sequences } = await decodeAll(
        engine,
        [first],
        {
          do_sample: true,
          temperature: TEMPERATURE,
          num_return_sequences: WINDOWS,
          max_new_tokens: window - 1,
          ignore_eos: true,
        },
        { signal },
      );
      const ids = Int32Array.from(sequences.flatMap(({ tokens }) => [first, ...tokens]));
      return { ids, window };
    } finally {
      engine.release();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
