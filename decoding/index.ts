/** @module `edgebeam/decoding`: what others may use. */
export { type DecodingContext, decode, decodeAll } from './decode.ts';
export { DecodingOptionsError, NoTokenLeftError } from './errors.ts';
export type {
  Beam,
  BeamsEvent,
  DecodedSequence,
  DecodingEvent,
  DecodingResult,
  FinishedEvent,
  GeneratedToken,
  ModelLogprobs,
  PromptEvent,
  TokenEvent,
  TokenLogprob,
} from './events.ts';
export type { DecodingOptions } from './options.ts';
export type { FinishReason, TokenText } from './stopping.ts';
export type { Evaluation, LanguageModel, TokenTree, TreeNode } from './token-tree.ts';
