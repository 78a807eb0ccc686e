/**
 * @module Whether a checkpoint was trained to generate. A classifier has no lm_head; transformers gives it the
 * embedding, and it generates what its base would after the training for classes.
 */
import { CheckpointError } from './interface/errors.ts';
import { type Metadata, readJson } from './interface/metadata.ts';
import type { Weights } from './interface/stored-tensor.ts';
import { isOfClassifier, nameInModel } from './tensor-names.ts';

const GENERATES = /^GPT2(?:LMHead|DoubleHeads)Model$/;
const CLASSIFIES = /^GPT2For\w+$/;

/**
 * @param tiedHead whether the user asks for the embedding as the classifier's lm_head.
 * @throws CheckpointError for a classifier of which the user does not, and for a model that has an lm_head of
 *   which the user does.
 */
export async function checkLanguageModelHead(
  metadata: Metadata,
  { label, tensors }: Weights,
  tiedHead: boolean,
): Promise<void> {
  const lmHead = tensors.find(({ name }) => nameInModel(name) === 'lm_head.weight');
  if (lmHead) {
    if (!tiedHead) return;
    throw new CheckpointError(`${label} has ${lmHead.name}, and --tied-head is for a checkpoint without`);
  }
  if (tiedHead) return;
  const { architectures } = (await readJson(metadata, 'config.json')) ?? {};
  const names = Array.isArray(architectures) ? architectures.map(String) : [];
  if (names.some((name) => GENERATES.test(name))) return;
  const classifier =
    names.find((name) => CLASSIFIES.test(name)) ?? tensors.find(({ name }) => isOfClassifier(name))?.name;
  if (classifier === undefined) return;
  throw new CheckpointError(
    `${label} has no lm_head.weight, and is a classifier (${classifier}), which was not trained to generate. ` +
      'HINT: --tied-head converts it with its embedding as lm_head, as AutoModelForCausalLM loads it',
  );
}
