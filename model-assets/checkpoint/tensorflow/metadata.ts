/** @module The files of OpenAI's GPT-2 under Hugging Face's names: its config, vocabulary and merges. */
import { join } from 'node:path';
import * as z from 'zod';
import { CheckpointError } from '../interface/errors.ts';
import { folderMetadata, type Metadata, readJson } from '../interface/metadata.ts';

export const HPARAMS = 'hparams.json';
const ENCODER = 'encoder.json';
const MERGES = 'vocab.bpe';

const count = z.int().positive();
const hparams = z.object({ n_vocab: count, n_ctx: count, n_embd: count, n_head: count, n_layer: count });

/** The files by the names that Hugging Face gives them. */
const FILES: Readonly<Record<string, string>> = {
  'config.json': HPARAMS,
  'vocab.json': ENCODER,
  'merges.txt': MERGES,
};

/** @throws CheckpointError if a file is missing, or `hparams.json` is not that of a GPT-2. */
export async function tensorflowMetadata(dir: string): Promise<Metadata> {
  const folder = folderMetadata(dir);
  const missing = Object.values(FILES).filter((name) => !folder.has(name));
  if (missing.length > 0)
    throw new CheckpointError(`${missing.join(', ')} not found, of OpenAI's TensorFlow checkpoint`);
  const config = JSON.stringify(await configOf(folder));
  return {
    has: (name) => Object.hasOwn(FILES, name),
    text: async (name) => (name === 'config.json' ? config : folder.text(FILES[name] ?? name)),
    list: async () => [],
    origin: (name) => join(dir, FILES[name] ?? name),
  };
}

async function configOf(folder: Metadata): Promise<object> {
  const parsed = hparams.safeParse(await readJson(folder, HPARAMS));
  if (!parsed.success) {
    const faults = parsed.error.issues.map(
      ({ path, message }) => `${HPARAMS}: ${path.join('.')}: ${message}`,
    );
    throw new CheckpointError(faults.join('\n'));
  }
  const { n_vocab, n_ctx, ...sizes } = parsed.data;
  const end = (await readJson(folder, ENCODER))?.['<|endoftext|>'] ?? null;
  return {
    model_type: 'gpt2',
    architectures: ['GPT2LMHeadModel'],
    vocab_size: n_vocab,
    n_positions: n_ctx,
    ...sizes,
    activation_function: 'gelu_new',
    layer_norm_epsilon: 1e-5,
    bos_token_id: end,
    eos_token_id: end,
  };
}
