/** @module The choices of a completion, in the pieces that a stream sends. */
import type { ModelLogprobs } from '../../../decoding/interface/events.ts';
import type { Tokenizer } from '../../../tokenizer/tokenizer.ts';
import type { GenerationEvent } from '../../serving/events.ts';
import type { GenerationRequest, Prompt } from '../../serving/request.ts';
import { stopOrLengthOf } from '../stop-or-length.ts';
import { type CompletionLogprobs, emptyLogprobs, LogprobEntries, type TextOffsets } from './logprobs.ts';
import { orderedRecord } from './ordered-record.ts';
import type { CompletionRequest } from './schema.ts';

/** A choice, or a piece of one. */
export interface CompletionChoice {
  readonly text: string;
  readonly index: number;
  readonly logprobs: CompletionLogprobs | null;
  /** null until the last piece. */
  readonly finish_reason: 'stop' | 'length' | null;
  /** Hugging Face's `sequences_scores` of beam search, in the last piece. */
  readonly sequences_score?: number;
  /** Of an entry of a catalogue, in the last piece. */
  readonly catalogue_id?: string | number;
}

export type ReportFields = Pick<
  CompletionRequest,
  'echo' | 'logprobs' | 'prompt_logprobs' | 'return_tokens_as_token_ids'
>;

export class ChoicePieces {
  readonly #report: ReportFields;
  readonly #generation: GenerationRequest;
  readonly #entries: LogprobEntries;
  /** The offsets of unfinished choices. */
  readonly #offsets = new Map<number, TextOffsets>();
  readonly #promptLogprobs = new Map<number, Extract<GenerationEvent, { type: 'prompt' }>['logprobs']>();

  constructor(tokenizer: Tokenizer, generation: GenerationRequest, report: ReportFields) {
    this.#report = report;
    this.#generation = generation;
    this.#entries = new LogprobEntries(
      tokenizer,
      report.return_tokens_as_token_ids,
      generation.showSpecialTokens,
    );
  }

  /** The pieces that an event adds. */
  *of(event: GenerationEvent): Generator<CompletionChoice, void> {
    if (event.type === 'prompt') this.#promptLogprobs.set(event.prompt, event.logprobs);
    if (event.type !== 'token' && event.type !== 'finished') return;
    const { choice: index } = event;
    const isFirst = !this.#offsets.has(index);
    const offsets = this.#offsets.get(index) ?? this.#newOffsets(index);
    this.#offsets.set(index, offsets);
    if (this.#report.echo && isFirst) yield this.#echo(index, offsets);
    const piece = { text: event.text, index };
    if (event.type === 'token') {
      const logprobs = this.#logprobs();
      const { token, model } = event.token;
      if (logprobs) this.#add(logprobs, offsets, token, model ?? null);
      yield { ...piece, logprobs, finish_reason: null };
    } else {
      this.#offsets.delete(index);
      const { reason, score, entry } = event;
      const finish_reason = stopOrLengthOf(reason);
      yield {
        ...piece,
        logprobs: this.#logprobs(),
        finish_reason,
        ...(score !== null && { sequences_score: score }),
        ...(entry && { catalogue_id: entry.id }),
      };
    }
  }

  #newOffsets(index: number): TextOffsets {
    const prompt = this.#promptOf(index);
    return this.#report.echo ? this.#entries.offsets(prompt) : this.#entries.offsetsAfter(prompt);
  }

  #promptOf(index: number): Prompt {
    const number = Math.floor(index / this.#generation.n);
    const prompt = this.#generation.prompts[number];
    if (!prompt) throw new Error(`there is no prompt ${number}`);
    return prompt;
  }

  #echo(index: number, offsets: TextOffsets): CompletionChoice {
    const number = Math.floor(index / this.#generation.n);
    const prompt = this.#promptOf(index);
    const logprobs = this.#logprobs();
    if (logprobs) {
      const promptLogprobs = this.#promptLogprobs.get(number) ?? [];
      for (const [i, token] of Array.from(prompt.ids).entries()) {
        this.#add(logprobs, offsets, token, promptLogprobs[i] ?? null);
      }
      offsets.endPrompt();
    }
    return { text: prompt.text, index, logprobs, finish_reason: null };
  }

  #logprobs(): CompletionLogprobs | null {
    return this.#report.logprobs === undefined ? null : emptyLogprobs();
  }

  #add(target: CompletionLogprobs, offsets: TextOffsets, token: number, model: ModelLogprobs | null): void {
    target.tokens.push(this.#entries.name(token));
    target.token_logprobs.push(model?.logprob ?? null);
    const top = this.#entries.top(token, model);
    target.top_logprobs.push(top && orderedRecord(top));
    target.text_offset.push(offsets.next(token));
  }
}

/** Joins two consecutive pieces of a choice. Mutates the lists of the first. */
export function joinPieces(before: CompletionChoice, piece: CompletionChoice): CompletionChoice {
  const logprobs = joined(before.logprobs, piece.logprobs);
  return { ...piece, text: before.text + piece.text, logprobs };
}

function joined(a: CompletionLogprobs | null, b: CompletionLogprobs | null): CompletionLogprobs | null {
  if (!a || !b) return a ?? b;
  a.tokens.push(...b.tokens);
  a.token_logprobs.push(...b.token_logprobs);
  a.top_logprobs.push(...b.top_logprobs);
  a.text_offset.push(...b.text_offset);
  return a;
}
