/** @module The parameters of a GPT-2 among the tensors of a checkpoint. */
import type { ModelConfig } from '../format/manifest.ts';
import { type Parameter, parametersOf } from '../format/parameters.ts';
import { CheckpointError } from './interface/errors.ts';
import type { OnWarning } from './interface/progress.ts';
import type { StoredTensor } from './interface/stored-tensor.ts';
import { isOfLanguageModel, nameInModel } from './tensor-names.ts';

/** The suffixes of OpenAI's TensorFlow checkpoint for `.weight` and `.bias`. */
const TENSORFLOW_SUFFIX = { embedding: '', gain: '.g', linear: '.w', bias: '.b' } as const;

const LM_HEAD = 'lm_head.weight';

/** @returns the possible names of a parameter within the model. */
function spellings({ name, kind }: Parameter): string[] {
  if (name === LM_HEAD) return [name];
  const tensorflow = name.replace(/\.(weight|bias)$/, TENSORFLOW_SUFFIX[kind]);
  return [name, tensorflow];
}

/** TensorFlow's `conv1d` has a leading dimension, the kernel width of one: `[1, in, out]`. */
function fits({ kind, shape }: Parameter, found: StoredTensor): boolean {
  const [width, ...rest] = found.shape;
  const isKernel = kind === 'linear' && found.name.endsWith('.w') && found.shape.length === 3 && width === 1;
  return sameShape(shape, isKernel ? rest : found.shape);
}

const sameShape = (a: readonly number[], b: readonly number[]) =>
  a.length === b.length && a.every((n, i) => n === b[i]);

/**
 * Old checkpoints store the causal mask, `h.N.attn.bias` `[1, 1, n, n]`, and its fill value, the scalar
 * `h.N.attn.masked_bias`. They are buffers. The biases of attention are `h.N.attn.c_attn.bias` and
 * `h.N.attn.c_proj.bias`.
 */
function isMaskBuffer({ name, shape }: StoredTensor, { n_layer }: ModelConfig): boolean {
  const [, layer, buffer] = /^h\.(\d+)\.attn\.(bias|masked_bias)$/.exec(nameInModel(name)) ?? [];
  if (layer === undefined || Number(layer) >= n_layer) return false;
  const isScalar = shape.every((size) => size === 1);
  return buffer === 'masked_bias'
    ? isScalar
    : shape.length === 4 && shape[2] === shape[3] && shape[0] === 1 && shape[1] === 1;
}

export interface NamedTensors {
  /** All of {@link parametersOf}, by name. */
  readonly parameters: ReadonlyMap<string, StoredTensor>;
}

/**
 * Finds the model's parameters among the tensors of a checkpoint: those of {@link parametersOf}, and an
 * `lm_head.weight` beside tied embeddings if one is stored.
 *
 * @param label name of the checkpoint in errors.
 * @param onWarning called if tensors are left out: those of heads and of cross attention, which generation
 *   does not need.
 * @throws CheckpointError that lists all missing, unknown, duplicate, misshapen and non-float tensors.
 */
export function nameTensors(
  label: string,
  tensors: readonly StoredTensor[],
  config: ModelConfig,
  onWarning: OnWarning = () => {},
): NamedTensors {
  const parameters = parametersOf({ ...config, tie_word_embeddings: false });
  const bySpelling = new Map(
    parameters.flatMap((parameter) => spellings(parameter).map((name) => [name, parameter])),
  );

  const found = new Map<string, StoredTensor>();
  const faults: string[] = [];
  const leftOut: string[] = [];
  for (const tensor of tensors) {
    const parameter = bySpelling.get(nameInModel(tensor.name));
    if (!parameter) {
      if (isMaskBuffer(tensor, config)) continue;
      faults.push(`${tensor.name} is unknown, found [${tensor.shape}]`);
      if (!isOfLanguageModel(tensor.name)) leftOut.push(tensor.name);
      continue;
    }
    const duplicate = found.get(parameter.name);
    if (duplicate)
      faults.push(`${parameter.name} is stored twice, as ${duplicate.name} and as ${tensor.name}`);
    if (!fits(parameter, tensor)) {
      faults.push(
        `${tensor.name} has the wrong shape, expected [${parameter.shape}], found [${tensor.shape}]`,
      );
    }
    if (!tensor.isFloat) {
      faults.push(`${tensor.name} is stored as ${tensor.dtype}, expected F32, F16, BF16 or F64`);
    }
    found.set(parameter.name, tensor);
  }
  // One stored matrix of two that are tied serves both.
  const lmHead = found.get(LM_HEAD);
  if (config.tie_word_embeddings && lmHead && !found.has('wte.weight')) found.set('wte.weight', lmHead);
  for (const { name, shape } of parameters) {
    if (name === LM_HEAD && config.tie_word_embeddings) continue;
    if (!found.has(name)) faults.push(`${name} is missing, expected [${shape}]`);
  }
  if (faults.length > leftOut.length) {
    throw new CheckpointError(
      `${label} does not match config.json:\n${faults.map((fault) => `  ${fault}`).join('\n')}`,
    );
  }
  if (leftOut.length > 0) {
    onWarning(
      `${label} has tensors that generation does not need, and they are left out: ${listOf(leftOut)}`,
    );
  }
  return { parameters: found };
}

/** In messages. */
const MAX_LISTED = 8;

function listOf(names: readonly string[]): string {
  const more = names.length - MAX_LISTED;
  return `${names.slice(0, MAX_LISTED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
