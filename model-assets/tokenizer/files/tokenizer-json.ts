/**
 * @module `tokenizer.json` of Hugging Face's tokenizers. Every tokenizer is brought into this form first, whatever files
 * it comes from.
 */
import * as z from 'zod';
import type { AddedTokenFlags } from './added-vocabulary.ts';

/** A step of the pipeline as the file has it: its type, and fields of the type. */
export type Step = { readonly type: string } & Readonly<Record<string, unknown>>;

/** Errors quote it. */
export const MAX_TYPE_LENGTH = 100;
const typeName = z.string().max(MAX_TYPE_LENGTH);
const step = z.looseObject({ type: typeName }).nullish();

const flag = z.boolean().nullish();

/** An added token as files write it. A special one is not normalized, unless it says so. */
export const addedTokenSchema = z
  .looseObject({
    content: z.string(),
    single_word: flag,
    lstrip: flag,
    rstrip: flag,
    normalized: flag,
    special: flag,
  })
  .transform(
    ({ content, single_word, lstrip, rstrip, normalized, special }): AddedTokenFlags => ({
      content,
      special: special ?? false,
      lstrip: lstrip ?? false,
      rstrip: rstrip ?? false,
      singleWord: single_word ?? false,
      normalized: normalized ?? !special,
    }),
  );

export const tokenizerJsonSchema = z.looseObject({
  normalizer: step,
  pre_tokenizer: step,
  post_processor: step,
  decoder: step,
  added_tokens: z.array(z.object({ id: z.int().nonnegative() }).and(addedTokenSchema)).default([]),
  model: z.looseObject({ type: typeName.optional() }),
});

/** The model: its type and fields. The schemas of the models are with their builders. */
export type ModelJson = Readonly<Record<string, unknown>> & { readonly type?: string | undefined };

export interface TokenizerJson {
  readonly normalizer?: Step | null | undefined;
  readonly pre_tokenizer?: Step | null | undefined;
  readonly post_processor?: Step | null | undefined;
  readonly decoder?: Step | null | undefined;
  readonly model: ModelJson;
}

/** Ids by token. Not z.record, which drops a token named __proto__. */
export const idsByToken = z.custom<Readonly<Record<string, number>>>(
  (ids) => typeof ids === 'object' && ids !== null && !Array.isArray(ids),
  'expected an object of ids by token',
);

/** The type of a model. Files of the first releases have none: it is what the fields are those of, as in the reference. */
export function modelTypeOf(model: ModelJson): string {
  if (model.type !== undefined) return model.type;
  if ('merges' in model) return 'BPE';
  if (Array.isArray(model.vocab)) return 'Unigram';
  return 'continuing_subword_prefix' in model || 'max_input_chars_per_word' in model
    ? 'WordPiece'
    : 'WordLevel';
}
