/** @module What the name of a tensor says: which module of a GPT-2 it is of, below what training wraps around it. */

/**
 * In front of a module's name, in any order: `DataParallel`, `torch.compile`, a training script's or Lightning's
 * attribute, transformers' and TRL's.
 */
const WRAPPERS = /^(?:(?:module|_orig_mod|model|gpt2|transformer|pretrained_model)\.)+/;

/** @returns the name within the model: `h.0.ln_1.weight` for `module.transformer.h.0.ln_1.weight`. */
export const nameInModel = (name: string): string => name.replace(WRAPPERS, '');

/** @returns whether a tensor is of a module that generation runs. Others are heads, for classes or for values. */
export const isOfLanguageModel = (name: string): boolean =>
  /^(?:wte|wpe|h|ln_f|lm_head)(?:\.|$)/.test(nameInModel(name));

/** @returns whether a tensor is of a head that transformers puts in the place of `lm_head`. */
export const isOfClassifier = (name: string): boolean =>
  /^(?:score|classifier|qa_outputs)\./.test(nameInModel(name));
