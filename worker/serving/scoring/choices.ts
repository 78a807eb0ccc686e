/** @module The tokens of choices after a prompt, and the checks of both. */
import { commonLength, type ScoredPath } from '../../../decoding/scoring/path-order.ts';
import type { EncodeOptions, Tokenizer } from '../../../tokenizer/tokenizer.ts';
import { ApiError, refuse } from '../../http/errors.ts';
import type { ServedModel } from '../../isolate/served-model.ts';
import { checkLength, encodeText } from '../request.ts';
import { bytesOfIds } from './memory.ts';
import type { ScoreRequest, TextOrIds } from './request.ts';

/** What is scored. */
export interface ScoringTask {
  /** What all choices go on after. Empty if the first token of a text is not scored. */
  readonly context: ArrayLike<number>;
  /** By choice. A path begins with the end of the prompt where another choice changes the tokens of that. */
  readonly paths: readonly ScoredPath[];
  /** The tokens of the prompt alone, of which a choice may change the last ones. */
  readonly prompt: readonly number[];
  /** The tokens before the prompt, or before each choice. */
  readonly leading: readonly number[];
  /** `[choices]`: the bytes of each choice's text in UTF-8. */
  readonly bytes: Int32Array;
  /** What the choices go on after where there is no prompt: `pmi` compares with that. Empty unless it is needed. */
  readonly withoutPrompt: readonly number[];
}

/** Characters that may be encoded to find how choices go on after the end of the prompt: some 0.7 s of work. */
const MAX_ENCODED = 2 ** 22;

/**
 * @throws ApiError for token ids outside the vocabulary, a choice without a token, and what the context cannot hold;
 *   MemoryExhaustedError for more tokens than the memory holds
 */
export function scoringTask(model: ServedModel, request: ScoreRequest): ScoringTask {
  const { prompt, choices, normalization } = request;
  const hasPrompt = prompt !== undefined && prompt.length > 0;
  const leading = leadingTokens(model, request, hasPrompt);
  const withoutPrompt = normalization === 'pmi' ? beginningOf(model, 'normalization') : [];
  if (normalization === 'pmi' && !hasPrompt) {
    refuse('normalization', "must not be pmi without a 'prompt', which it compares with none", '"pmi"');
  }
  const { ids, after } = tokensAfter(model, request, hasPrompt ? prompt : '');
  const shared = Math.min(...after.map(({ at }) => at));
  // Where a choice changes the prompt's tokens early, all paths begin with the rest of the prompt.
  model.engine.memory.check(
    bytesOfIds(after.reduce((sum, { at, tokens }) => sum + at - shared + tokens.length, 0)),
  );
  const context = [...leading, ...ids.slice(0, shared)];
  const paths = after.map(({ at, tokens }, i) => {
    // Nothing predicts the first token of a text.
    const from = Math.max(at - shared, context.length === 0 ? 1 : 0);
    const path = { tokens: [...ids.slice(shared, at), ...tokens], from };
    if (path.tokens.length > from) return path;
    const fault =
      tokens.length === 0
        ? 'has no token of its own after the prompt'
        : 'has a single token, and nothing stands before it: a beginning-of-text token would, with add_bos_token';
    throw new ApiError(400, `'choices.${i}' ${fault}`, { param: `choices.${i}`, code: 'invalid_value' });
  });
  checkContext(model, context.length, paths);
  const bytes = Int32Array.from(choices, (choice) => bytesOf(model.tokenizer, choice));
  const empty = normalization === 'byte' ? bytes.indexOf(0) : -1;
  if (empty >= 0)
    refuse(`choices.${empty}`, "must have a text where 'normalization' is byte", 'only tokens without');
  return { context, paths, prompt: ids, leading, bytes, withoutPrompt };
}

/** The tokens before the prompt, or before each choice. */
function leadingTokens(
  model: ServedModel,
  { prompt, addBosToken }: ScoreRequest,
  hasPrompt: boolean,
): readonly number[] {
  if (addBosToken === false) return [];
  if (addBosToken || !hasPrompt) return beginningOf(model, 'add_bos_token');
  // As in a completion: the tokenizer's own, before a text.
  return typeof prompt === 'string' ? model.tokenizer.template.before : [];
}

/** The tokens that begin a text: those of the tokenizer's template, or else the model's. */
export function beginningOf({ engine, tokenizer }: ServedModel, field: string): readonly number[] {
  if (tokenizer.template.before.length > 0) return tokenizer.template.before;
  const { bos_token_id } = engine.manifest.config;
  if (bos_token_id !== null) return [bos_token_id];
  const message = `'${field}': the model has no token to begin a text with`;
  throw new ApiError(400, message, { param: field, code: 'invalid_value' });
}

interface TokensAfter {
  /** The number of tokens of the prompt that the choice goes on after. */
  readonly at: number;
  readonly tokens: ArrayLike<number> & Iterable<number>;
}

/** The ids of a prompt, and how each choice goes on: its tokens are those of the text that both make. */
function tokensAfter(
  model: ServedModel,
  { choices, splitSpecialTokens }: ScoreRequest,
  prompt: TextOrIds,
): { readonly ids: readonly number[]; readonly after: readonly TokensAfter[] } {
  const { tokenizer, engine } = model;
  const encoding = { addSpecialTokens: false, splitSpecialTokens };
  const encode = (text: string, field: string): number[] => {
    checkLength(engine, tokenizer, text.length, field);
    return Array.from(checkedIds(model, encodeText(tokenizer, text, field, encoding), field));
  };
  const ids = typeof prompt === 'string' ? encode(prompt, 'prompt') : checkedIds(model, prompt, 'prompt');
  // The ids of a prompt stay as they are.
  const end =
    typeof prompt === 'string' ? endOf(tokenizer, prompt, ids, encoding) : { text: '', at: ids.length };
  checkEncoded(choices, end.text);
  const endIds = ids.slice(end.at);
  let tokenCount = 0;
  const after = choices.map((choice, i): TokensAfter => {
    const found = afterOf(choice, i);
    tokenCount += found.tokens.length;
    // Before more of them are made.
    engine.memory.check(bytesOfIds(tokenCount));
    return found;
  });
  return { ids, after };

  function afterOf(choice: TextOrIds, i: number): TokensAfter {
    if (typeof choice !== 'string') {
      return { at: ids.length, tokens: checkedIds(model, choice, `choices.${i}`) };
    }
    checkLength(engine, tokenizer, choice.length, `choices.${i}`);
    const joined = encodeText(tokenizer, end.text + choice, `choices.${i}`, encoding);
    const shared = commonLength(joined, endIds);
    return { at: end.at + shared, tokens: checkedIds(model, joined.slice(shared), `choices.${i}`) };
  }
}

function checkEncoded(choices: readonly TextOrIds[], end: string): void {
  const texts = choices.filter((choice) => typeof choice === 'string');
  const characters = texts.reduce((sum, { length }) => sum + end.length + length, 0);
  if (characters <= MAX_ENCODED) return;
  const message =
    `'choices' have ${characters} characters with the end of the prompt before each, and at most ${MAX_ENCODED} are ` +
    'encoded: send their token ids';
  throw new ApiError(400, message, { param: 'choices', code: 'invalid_value' });
}

/**
 * The end of a prompt that decides the tokens of what follows: from its last word on, where that has the tokens alone
 * that it has in the prompt, else the whole prompt. So a thousand choices need not encode a long prompt each.
 * @returns also the number of tokens before it
 */
function endOf(
  tokenizer: Tokenizer,
  prompt: string,
  ids: readonly number[],
  encoding: EncodeOptions,
): { readonly text: string; readonly at: number } {
  const whole = { text: prompt, at: 0 };
  const [word] = /(?<=\S) \S+\s*$/.exec(prompt) ?? [];
  if (word === undefined) return whole;
  const alone = tokenizer.encode(word, encoding);
  const at = ids.length - alone.length;
  return at > 0 && alone.every((id, i) => id === ids[at + i]) ? { text: word, at } : whole;
}

/** @returns the ids @throws ApiError for one that the model's vocabulary does not have */
export function checkedIds<Ids extends ArrayLike<number>>(
  { engine: { vocabSize }, tokenizer }: ServedModel,
  ids: Ids,
  field: string,
): Ids {
  const outside = Array.prototype.findIndex.call(ids, (id: number) => id >= vocabSize);
  if (outside < 0) return ids;
  const token = JSON.stringify(tokenizer.decode([ids[outside] as number]));
  const message = `'${field}' has the token ${ids[outside]}, ${token}, which the model's vocabulary of ${vocabSize} does not have`;
  throw new ApiError(400, message, { param: field, code: 'invalid_value' });
}

/** The last token of a path is not a row of the model, so a path may be longer than the context by one. */
function checkContext({ engine }: ServedModel, contextTokens: number, paths: readonly ScoredPath[]): void {
  const { contextLength } = engine;
  const tooLong = paths.findIndex(({ tokens }) => contextTokens + tokens.length > contextLength + 1);
  const path = paths[tooLong];
  if (!path) return;
  const length = path.tokens.length - path.from;
  const before = contextTokens + path.from;
  throw new ApiError(
    400,
    `This model's context is ${contextLength} tokens, but 'choices.${tooLong}' ends after ` +
      `${before + length - 1} of them: ${before} before it, and ${length} in it`,
    { param: before < contextLength ? `choices.${tooLong}` : 'prompt', code: 'context_length_exceeded' },
  );
}

const utf8 = new TextEncoder();

function bytesOf(tokenizer: Tokenizer, choice: TextOrIds): number {
  if (typeof choice === 'string') return utf8.encode(choice).length;
  return choice.reduce((sum, id) => sum + tokenizer.tokenBytes(id).length, 0);
}
