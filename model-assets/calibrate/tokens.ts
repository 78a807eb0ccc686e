/**
 * @module The text that a model is calibrated on: a file, or what the model itself writes.
 *
 * A model's own samples are of the kind of text it will write (Liu et al. 2023, "LLM-QAT", calibrate so), and every
 * model has them.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeAll } from '../../decoding/index.ts';
import { loadEngine } from '../../engine/node/load-engine.ts';
import { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { CheckpointError } from '../checkpoint/errors.ts';
import type { ModelConfig } from '../format/manifest.ts';
import type { CalibrationTokens } from './walk.ts';

/** Tokens of a text are read in windows of so many, or of the context where it is smaller. */
const WINDOW = 512;
const WINDOWS = 16;
/** Above 1, for variety: a text says more about inputs the less it repeats itself (docs/quantization.md has the figures). */
const TEMPERATURE = 1.2;

/** @returns as many tokens of `text` as calibration reads. */
export function tokensOfText(text: string, tokenizer: Uint8Array, config: ModelConfig): CalibrationTokens {
  const ids = Tokenizer.read(tokenizer).encode(text, { parseSpecial: true });
  const window = Math.min(WINDOW, config.n_positions);
  const windows = Math.min(WINDOWS, Math.floor(ids.length / window));
  if (windows === 0) {
    throw new CheckpointError(
      `The calibration text has ${ids.length} tokens, expected ${window} or more: give a longer text, or --calibration self`,
    );
  }
  return { ids: Int32Array.from(ids.subarray(0, windows * window)), window };
}

/**
 * Samples texts from the model, always with the same seed: the same model gives the same tokens.
 * @param convertTo makes a model that can run, in the folder it is given.
 */
export async function sampledTokens(
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
