/** @module `edgebeam/decoding`: the public API. */
export { type DecodingContext, decode, decodeAll } from './decode.ts';
export { DecodingOptionsError, NoTokenLeftError } from './interface/errors.ts';
export type {
  Beam,
  BeamsEvent,
  DecodedSequence,
  DecodingEvent,
  DecodingResult,
  FinishedEvent,
  FinishReason,
  GeneratedToken,
  ModelLogprobs,
  PromptEvent,
  TokenEvent,
  TokenLogprob,
} from './interface/events.ts';
export type { LogitsReader, LogitsRow, Normalizer, TokenLogits } from './interface/logits-row.ts';
export type { Evaluation, LanguageModel, TokenTree, TreeNode } from './interface/token-tree.ts';
export type { DecodingOptions } from './options/options.ts';
export type { TokenBytes } from './strategies/stopping.ts';
