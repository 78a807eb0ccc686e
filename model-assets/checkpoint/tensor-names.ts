/** @module What the name of a tensor says: which module of a GPT-2 it is of, below what training wraps around it. */

/**
 * In front of a module's name, in any order: `DataParallel`, `torch.compile`, a training script's or Lightning's
 * attribute, transformers' and TRL's.
 */
const WRAPPERS = /^(?:(?:module|_orig_mod|model|net|gpt2|transformer|pretrained_model)\.)+/;
/** In front of any module's name, also of a block's: FSDP, and checkpoints of activations. */
const WRAPPED_MODULES = /\b_(?:fsdp_wrapped|checkpoint_wrapped)_module\./g;

/** @returns the name within the model: `h.0.ln_1.weight` for `module.transformer.h.0.ln_1.weight`. */
export const nameInModel = (name: string): string =>
  name.replaceAll(WRAPPED_MODULES, '').replace(WRAPPERS, '');

/** Of a block with `add_cross_attention: true`. It is passed over where there is no encoder. */
const CROSS_ATTENTION = /^h\.\d+\.(?:crossattention|ln_cross_attn)\./;

/**
 * @returns whether a tensor is of a module that generation runs. Others are heads, for classes or for values, and the
 *   attention to an encoder.
 */
export function isOfLanguageModel(name: string): boolean {
  const inModel = nameInModel(name);
  return /^(?:wte|wpe|h|ln_f|lm_head)(?:\.|$)/.test(inModel) && !CROSS_ATTENTION.test(inModel);
}

/** @returns whether a tensor is of a head that transformers puts in the place of `lm_head`. */
export const isOfClassifier = (name: string): boolean =>
  /^(?:score|classifier|qa_outputs)\./.test(nameInModel(name));
