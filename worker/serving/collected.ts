/** @module A whole answer: each distinct text once and compact, however many choices repeat it. */
import type {
  DecodedSequence,
  DecodingResult,
  FinishReason,
  ModelLogprobs,
} from '../../decoding/interface/events.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { type Usage, usageOf } from '../http/request-record.ts';
import { type FoundEntry, foundEntry, type SearchedCatalogue } from './catalogue.ts';
import { textFilter, unfilled } from './prompt-texts.ts';
import { type GenerationRequest, promptTokensOf } from './request.ts';
import { TokenLog } from './token-log.ts';

/** The decoded texts of one prompt. */
export interface PromptResult {
  readonly prompt: number;
  /** The prompt's own tokens, if `prompt_logprobs` asks for them. */
  readonly promptLog: TokenLog | null;
  /** `num_return_sequences` of them. */
  readonly texts: readonly CollectedText[];
}

interface CollectedText {
  readonly log: TokenLog;
  readonly reason: FinishReason;
  /** `sequences_scores` of beam search. */
  readonly score: number | null;
  /** Of a catalogue. */
  readonly entry: FoundEntry | undefined;
}

/** A token of a whole text. */
export interface TextToken {
  readonly token: number;
  /** Only with the option `logprobs`. */
  readonly model: ModelLogprobs | null;
  /** The text that became certain with this token; of the last token, the rest too. */
  readonly text: string;
}

export interface CollectedChoice {
  /** `prompt · n` + its index within the prompt. */
  readonly index: number;
  readonly prompt: number;
  readonly promptLog: TokenLog | null;
  readonly log: TokenLog;
  readonly reason: FinishReason;
  readonly score: number | null;
  readonly entry: FoundEntry | undefined;
  /** Decodes the tokens anew in each call. */
  tokens(): Iterable<TextToken>;
  text(): string;
}

/** @param tokens ids of the prompt */
export function promptLogOf(
  tokens: ArrayLike<number>,
  logprobs: readonly (ModelLogprobs | null)[],
): TokenLog {
  return new TokenLog(tokens, logprobs, logprobs[1]?.top.length);
}

/** Beam search may have found fewer texts than `num_return_sequences`: the others are those of `unfilled`. */
export function textsOf(
  { sequences }: DecodingResult,
  count: number,
  catalogue?: SearchedCatalogue,
): CollectedText[] {
  return Array.from({ length: count }, (_, i) => textOf(sequences[i] ?? unfilled(sequences), catalogue));
}

function textOf(sequence: DecodedSequence, catalogue: SearchedCatalogue | undefined): CollectedText {
  const { tokens, model_logprobs, finish_reason, score } = sequence;
  const log = new TokenLog(tokens, model_logprobs, model_logprobs?.[0]?.top.length);
  return { log, reason: finish_reason, score, entry: foundEntry(sequence, catalogue) };
}

export class CollectedAnswer {
  readonly usage: Usage;
  readonly #tokenizer: Tokenizer;
  readonly #request: GenerationRequest;
  readonly #results: readonly PromptResult[];
  /** Number of choices per text. */
  readonly #copies: number;

  /**
   * @param results by prompt
   * @param counts `cachedTokens`: of the prompts, that the cache had; `resets`: how often tokens have been dropped
   */
  constructor(
    tokenizer: Tokenizer,
    request: GenerationRequest,
    results: readonly PromptResult[],
    { cachedTokens, resets }: { readonly cachedTokens: number; readonly resets: number },
  ) {
    this.#tokenizer = tokenizer;
    this.#request = request;
    this.#results = results;
    this.#copies = request.n / request.options.num_return_sequences;
    const tokens = results.flatMap(({ texts }) => texts).reduce((sum, { log }) => sum + log.length, 0);
    const told = request.options.truncation === 'auto' ? resets : undefined;
    this.usage = usageOf(promptTokensOf(request), this.#copies * tokens, cachedTokens, told);
  }

  /** One at a time, in order. */
  *choices(): Generator<CollectedChoice, void, undefined> {
    const { n } = this.#request;
    for (const { prompt, promptLog, texts } of this.#results) {
      for (let i = 0; i < n; i++) {
        const text = texts[Math.floor(i / this.#copies)] as CollectedText;
        const tokens = () => this.#tokens(prompt, text.log);
        yield {
          ...text,
          index: prompt * n + i,
          prompt,
          promptLog,
          tokens,
          text: () => this.#text(prompt, text.log),
        };
      }
    }
  }

  /** As `#tokens`, without their log-probabilities. */
  #text(prompt: number, log: TokenLog): string {
    const filter = textFilter(this.#tokenizer, this.#request, prompt);
    let text = '';
    for (const token of log.tokens) text += filter.push(token).text;
    return log.length === 0 ? text : text + filter.flush().text;
  }

  *#tokens(prompt: number, log: TokenLog): Generator<TextToken, void, undefined> {
    const filter = textFilter(this.#tokenizer, this.#request, prompt);
    for (const [i, token] of log.tokens.entries()) {
      const { text } = filter.push(token);
      const rest = i === log.length - 1 ? filter.flush().text : '';
      yield { token, model: log.at(i), text: text + rest };
    }
  }
}
