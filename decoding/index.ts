/** @module `edgebeam/decoding`: the public API. */
export {
  type BuildOptions,
  type BuiltCatalogue,
  buildCatalogue,
  type ListedEntry,
} from './catalogue/build.ts';
export { CatalogueError } from './catalogue/errors.ts';
export { Catalogue, type Children, type Trie, type TrieLevel } from './catalogue/trie.ts';
export { TypedTrie } from './catalogue/typed.ts';
export type { Constraint } from './constraints/automaton/constraint.ts';
export { type CompileLimits, ConstraintError } from './constraints/automaton/errors.ts';
export { type HealedPrompt, healPrompt } from './constraints/automaton/healing.ts';
export { MaskCache } from './constraints/automaton/mask-cache.ts';
export { Vocabulary } from './constraints/automaton/vocabulary.ts';
export { anyText, type CompileOptions, compileConstraint } from './constraints/compile.ts';
export type { ConstraintSource } from './constraints/source.ts';
export { type DecodingContext, decode, decodeAll } from './decode.ts';
export { DecodingOptionsError, NoTokenLeftError } from './interface/errors.ts';
export type {
  Beam,
  BeamsEvent,
  ContextResetEvent,
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
export type {
  Gather,
  GatheredLogits,
  LogitsReader,
  LogitsRow,
  Normalizer,
  TokenLogits,
} from './interface/logits-row.ts';
export type {
  Evaluation,
  EvaluationKind,
  LanguageModel,
  TokenTree,
  TreeNode,
} from './interface/token-tree.ts';
export type { DecodingOptions } from './options/options.ts';
export {
  type Comparison,
  type ComparisonOptions,
  comparePaths,
  logLikelihoods,
  type Normalization,
} from './scoring/compare.ts';
export { nodesOfPaths, type PathNodes, type ScoredPath } from './scoring/path-order.ts';
export { type PathScores, type ScoringOptions, scorePaths } from './scoring/score-paths.ts';
export { type TextWindow, windowCount, windowsOf } from './scoring/windows.ts';
export type { TokenBytes, TokenTexts } from './strategies/stopping.ts';
