/**
 * @module Whether embedding and lm_head of a checkpoint are one matrix.
 *
 * As in transformers 5, the weights decide: two matrices with different values stay two, even if `config.json` ties
 * them, and equal ones are stored once.
 */
import type { ModelConfig } from '../format/manifest.ts';
import type { OnWarning } from './interface/progress.ts';
import { elementsOf, type StoredTensor } from './interface/stored-tensor.ts';

/** Elements to compare at a time. */
const BLOCK_ELEMENTS = 1 << 20;

interface Embeddings {
  readonly config: ModelConfig;
  readonly parameters: ReadonlyMap<string, StoredTensor>;
}

/**
 * @param parameters with `lm_head.weight` if the checkpoint stores one beside `wte.weight`.
 * @param onWarning called if the weights contradict `config.tie_word_embeddings: true`.
 * @returns the config with the weights' answer, and `lm_head.weight` only if it is a matrix of its own.
 * @throws CheckpointError for a weight that is not finite.
 */
export async function tieEmbeddings(
  { config, parameters }: Embeddings,
  onWarning: OnWarning = () => {},
): Promise<Embeddings> {
  const wte = parameters.get('wte.weight');
  const lmHead = parameters.get('lm_head.weight');
  const isTied = !wte || !lmHead || (await haveEqualValues(wte, lmHead));
  if (!isTied && config.tie_word_embeddings) {
    onWarning(
      `${lmHead.name} differs from ${wte.name}, although config.json does not set tie_word_embeddings to false: ` +
        'the model gets both, as in transformers',
    );
  }
  const kept = isTied ? [...parameters].filter(([name]) => name !== 'lm_head.weight') : parameters;
  return { config: { ...config, tie_word_embeddings: isTied }, parameters: new Map(kept) };
}

/** Whether two matrices of one shape have equal values as float32, zeros of either sign being equal. */
async function haveEqualValues(a: StoredTensor, b: StoredTensor): Promise<boolean> {
  const total = elementsOf(a.shape);
  for (let first = 0; first < total; first += BLOCK_ELEMENTS) {
    const count = Math.min(BLOCK_ELEMENTS, total - first);
    const [values, others] = [await a.read(first, count), await b.read(first, count)];
    for (let i = 0; i < count; i++) if (values[i] !== others[i]) return false;
  }
  return true;
}
