/**
 * @module The events of a generation. A choice is one text; its index is `prompt · n` + its index within the
 * prompt.
 */
import type { Beam, FinishReason, GeneratedToken, ModelLogprobs } from '../../decoding/interface/events.ts';
import type { FoundEntry } from './catalogue.ts';

export type GenerationEvent =
  | PromptLogprobsEvent
  | TextTokenEvent
  | TextBeamsEvent
  | PromptContextResetEvent
  | ChoiceFinishedEvent;

/** Precedes all other events of a prompt when `prompt_logprobs` asks for it. */
export interface PromptLogprobsEvent {
  readonly type: 'prompt';
  readonly prompt: number;
  readonly logprobs: readonly (ModelLogprobs | null)[];
}

export interface TextTokenEvent {
  readonly type: 'token';
  readonly choice: number;
  readonly token: GeneratedToken;
  /** The text that became certain with this token; empty while a character or a stop string is incomplete. */
  readonly text: string;
}

export interface TextBeam extends Beam {
  /** The text of its last token only. */
  readonly text: string;
}

/** The beams of a prompt after a step. */
export interface TextBeamsEvent {
  readonly type: 'beams';
  readonly prompt: number;
  readonly step: number;
  readonly beams: readonly TextBeam[];
}

/** Tokens of the prompt or its texts have been dropped, so that they fit the context. */
export interface PromptContextResetEvent {
  readonly type: 'context_reset';
  readonly prompt: number;
  /** How often so far. */
  readonly resets: number;
}

export interface ChoiceFinishedEvent {
  readonly type: 'finished';
  readonly choice: number;
  /** The rest of the text. */
  readonly text: string;
  readonly reason: FinishReason;
  /** `sequences_scores` of beam search. */
  readonly score: number | null;
  /** Of a catalogue. */
  readonly entry?: FoundEntry;
}
