/** @module The choices of a chat: whole, and in the pieces that a stream sends. */
import type { ModelLogprobs } from '../../../decoding/interface/events.ts';
import type { Tokenizer } from '../../../tokenizer/tokenizer.ts';
import { type JsonStream, jsonArray, jsonObject } from '../../http/json-stream.ts';
import type { CollectedAnswer } from '../../serving/collected.ts';
import type { GenerationEvent } from '../../serving/events.ts';
import type { TokenLog } from '../../serving/token-log.ts';
import { stopOrLengthOf } from '../stop-or-length.ts';
import { LogprobEntries } from './logprobs.ts';
import { promptLogprobs } from './prompt-logprobs.ts';

/** A token in OpenAI's `logprobs` of a chat. */
interface TokenLogprob {
  readonly token: string;
  readonly logprob: number;
  /** Of the token in UTF-8, which may be a part of a character. */
  readonly bytes: readonly number[];
}

interface ChatTokenLogprob extends TokenLogprob {
  readonly top_logprobs: readonly TokenLogprob[];
}

interface ChatLogprobs {
  readonly content: readonly ChatTokenLogprob[];
  readonly refusal: null;
}

/** A piece of a choice. */
interface ChatPiece {
  readonly index: number;
  readonly delta: { readonly role?: 'assistant'; readonly content?: string };
  readonly logprobs: ChatLogprobs | null;
  /** null until the last piece. */
  readonly finish_reason: 'stop' | 'length' | null;
  /** Hugging Face's `sequences_scores` of beam search, in the last piece. */
  readonly sequences_score?: number;
  /** Of an entry of a catalogue, in the last piece. */
  readonly catalogue_id?: string | number;
}

export interface ChatReport {
  /** What precedes each text. */
  readonly echoed: string;
  readonly logprobs: boolean;
  readonly tokensAsIds: boolean;
}

export class ChatChoices {
  readonly #report: ChatReport;
  readonly #tokenizer: Tokenizer;
  readonly #entries: LogprobEntries;
  /** Choices whose role has been sent. */
  readonly #begun = new Set<number>();

  constructor(tokenizer: Tokenizer, report: ChatReport) {
    this.#report = report;
    this.#tokenizer = tokenizer;
    this.#entries = new LogprobEntries(tokenizer, report.tokensAsIds);
  }

  /** The pieces that an event adds: a role before all others. */
  *pieces(event: GenerationEvent): Generator<ChatPiece, void> {
    if (event.type !== 'token' && event.type !== 'finished') return;
    const { choice: index, text } = event;
    const piece = { index, logprobs: null, finish_reason: null };
    if (!this.#begun.has(index)) {
      this.#begun.add(index);
      yield { ...piece, delta: { role: 'assistant', content: this.#report.echoed } };
    }
    if (event.type === 'token') {
      const { token, model } = event.token;
      const content = this.#report.logprobs ? [this.#entry(token, model ?? null)] : undefined;
      yield { ...piece, delta: { content: text }, logprobs: content ? { content, refusal: null } : null };
    } else {
      const { reason, score, entry } = event;
      const found = {
        ...(score !== null && { sequences_score: score }),
        ...(entry && { catalogue_id: entry.id }),
      };
      const delta = text === '' ? {} : { content: text };
      yield { ...piece, delta, finish_reason: stopOrLengthOf(reason), ...found };
    }
  }

  /** Each is written when it is sent. */
  whole(answer: CollectedAnswer): JsonStream {
    const { echoed, logprobs } = this.#report;
    return jsonArray(
      answer.choices().map((choice) =>
        jsonObject({
          index: choice.index,
          message: { role: 'assistant', content: echoed + choice.text(), refusal: null },
          logprobs: logprobs
            ? jsonObject({ content: jsonArray(this.#logOf(choice.log)), refusal: null })
            : null,
          finish_reason: stopOrLengthOf(choice.reason),
          sequences_score: choice.score ?? undefined,
          catalogue_id: choice.entry?.id,
        }),
      ),
    );
  }

  /** vLLM's `prompt_logprobs`. @param top as there; undefined if the request does not ask for them */
  ofPrompt(answer: CollectedAnswer, top: number | undefined): JsonStream | undefined {
    const [choice] = answer.choices();
    return promptLogprobs(choice?.promptLog ?? null, top, this.#entries);
  }

  *#logOf(log: TokenLog): Generator<ChatTokenLogprob> {
    for (let i = 0; i < log.length; i++) yield this.#entry(log.tokenAt(i), log.at(i));
  }

  #entry(token: number, model: ModelLogprobs | null): ChatTokenLogprob {
    if (!model) throw new Error('a token has no log-probabilities');
    const top_logprobs = model.top.map(({ token, logprob }) => this.#token(token, logprob));
    return { ...this.#token(token, model.logprob), top_logprobs };
  }

  #token(token: number, logprob: number): TokenLogprob {
    return { token: this.#entries.name(token), logprob, bytes: [...this.#tokenizer.tokenBytes(token)] };
  }
}
