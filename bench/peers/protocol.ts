/** @module The tasks of a peer and their answers, as JSON, independent of its process and language. */

/** A prompt as text and as token ids, for either kind of interface. All peers get the same. */
export interface Prompt {
  readonly text: string;
  readonly ids: readonly number[];
}

/** Generates exactly `tokens` tokens through the peer's public interface: greedily, or with beams. */
export interface Generate {
  readonly kind: 'generate';
  readonly prompt: Prompt;
  readonly tokens: number;
  readonly beams: number;
}

/** Bare forward passes of one token for each of `rows` sequences, without search. */
export interface Forward {
  readonly kind: 'forward';
  readonly rows: number;
  /** The cached prefix of each pass; its computation is not timed. */
  readonly past: Prompt;
  readonly times: number;
}

export type Task = Generate | Forward;

export interface Timing {
  /** From the call to the first token; for bare forward passes, their mean. */
  readonly firstMilliseconds: number;
  /** Mean of the tokens after the first; null if there are none. */
  readonly stepMilliseconds: number | null;
}

export interface Answer extends Timing {
  /** The continuation of the best sequence, if the peer returns ids; else `text`. */
  readonly ids?: readonly number[];
  readonly text?: string;
}

/** An unsupported task, with the reason for the table. */
export interface Refusal {
  readonly refused: string;
}

export type Reply = Answer | Refusal;

/** A peer inside its own process. */
export interface PeerSide {
  perform(task: Task): Promise<Reply>;
}

/**
 * `default`: the trained model of 7M, for comparing results; `gpt2`: random weights of GPT-2 124M, for
 * timing.
 */
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
      const firstTime = first ?? end;
      return {
        firstMilliseconds: firstTime - begin,
        stepMilliseconds: tokens > 1 ? (end - firstTime) / (tokens - 1) : null,
      };
    },
  };
}
