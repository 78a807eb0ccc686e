/** @module What every peer can be asked, whatever process and language it is in; as JSON. */

/** A prompt as both kinds of interface take it. All sides get the same. */
export interface Prompt {
  readonly text: string;
  readonly ids: readonly number[];
}

/** Generates from a prompt, as a user calls it: greedily, or with beams. Never ends before `tokens`. */
export interface Generate {
  readonly kind: 'generate';
  readonly prompt: Prompt;
  readonly tokens: number;
  readonly beams: number;
}

/** Bare forward passes of one token for each of `rows` sequences, without any search. */
export interface Forward {
  readonly kind: 'forward';
  readonly rows: number;
  /** What is cached before each pass; computing it is not timed. */
  readonly past: Prompt;
  readonly times: number;
}

export type Task = Generate | Forward;

export interface Timing {
  /** From the call to the first token; of bare forward passes, their mean. */
  readonly firstMilliseconds: number;
  /** Mean of the tokens after the first; null if there are none. */
  readonly stepMilliseconds: number | null;
}

export interface Answer extends Timing {
  /** The continuation of the best sequence, where the peer tells it as ids; else as text. */
  readonly ids?: readonly number[];
  readonly text?: string;
}

/** What a peer cannot do, with the reason for the table. */
export interface Refusal {
  readonly refused: string;
}

export type Reply = Answer | Refusal;

/** A peer inside its own process. */
export interface PeerSide {
  perform(task: Task): Promise<Reply>;
}

/** Which of the two models: the trained one of 7M for comparing results, GPT-2's 124M shapes for measuring. */
export type ModelName = 'default' | 'gpt2';

/** Measures the tokens of a generation as they arrive. */
export function stopwatch(): { token(): void; timing(tokens: number): Timing } {
  const begin = performance.now();
  let first: number | undefined;
  return {
    token() {
      first ??= performance.now();
    },
    timing(tokens) {
      const end = performance.now();
      const at = first ?? end;
      return {
        firstMilliseconds: at - begin,
        stepMilliseconds: tokens > 1 ? (end - at) / (tokens - 1) : null,
      };
    },
  };
}
