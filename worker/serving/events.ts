/** @module What a generation tells while it runs. A choice is one text: `prompt · n + its number among the prompt's`. */
import type { Beam, GeneratedToken, ModelLogprobs } from '../../decoding/interface/events.ts';
import type { FinishReason } from '../../decoding/strategies/stopping.ts';

export type GenerationEvent = PromptLogprobsEvent | TextTokenEvent | TextBeams | FinishedChoice;

/** Before all others of a prompt, where `prompt_logprobs` asks for it. */
export interface PromptLogprobsEvent {
  readonly type: 'prompt';
  readonly prompt: number;
  readonly logprobs: readonly (ModelLogprobs | null)[];
}

export interface TextTokenEvent {
  readonly type: 'token';
  readonly choice: number;
  readonly token: GeneratedToken;
  /** What is certain of the text now, and was not before: nothing, while a character or a stop string is undecided. */
  readonly text: string;
}

export interface TextBeam extends Beam {
  /** Of its last token, alone. */
  readonly text: string;
}

/** The beams of a prompt after a step. */
export interface TextBeams {
  readonly type: 'beams';
  readonly prompt: number;
  readonly step: number;
  readonly beams: readonly TextBeam[];
}

export interface FinishedChoice {
  readonly type: 'finished';
  readonly choice: number;
  /** The rest of the text. */
  readonly text: string;
  readonly reason: FinishReason;
  /** `sequences_scores` of beam search. */
  readonly score: number | null;
}
