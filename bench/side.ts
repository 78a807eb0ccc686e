/** @module What both contestants can be asked, whatever process they are in. */

/** Cached positions before every measured step. */
export const PAST = 256;
/** Rows of the measured steps: one sequence, four beams, eight. */
export const STEP_ROWS = [1, 4, 8] as const;
export const MOST_ROWS = Math.max(...STEP_ROWS);
/** Tokens of the measured prompt. */
export const PROMPT = 64;

/** In milliseconds. */
export interface Timing {
  readonly run: number;
  /** Putting each beam's keys and values where its parent's were. */
  readonly reorder: number;
}

export interface Side {
  /** A prompt of {@link PROMPT} tokens, with the logits of the last. */
  prefill(): Promise<Timing>;
  /** One token for each of `rows` sequences after {@link PAST} cached positions, with logits. */
  step(rows: number): Promise<Timing>;
  /** The size of the WebAssembly heap, which never shrinks. */
  heapBytes(): number;
}

/** Computing the past that a step needs is not part of its time. */
export type Work = { readonly kind: 'prefill' } | { readonly kind: 'step'; readonly rows: number };
export type Request = Work & { readonly count: number };

export interface Answer {
  readonly timings: readonly Timing[];
  readonly heapBytes: number;
}

/** Does `count` times what is asked. */
export async function perform(side: Side, request: Request): Promise<Answer> {
  const timings: Timing[] = [];
  for (let i = 0; i < request.count; i++) {
    timings.push(await (request.kind === 'prefill' ? side.prefill() : side.step(request.rows)));
    // A server lets its sockets have their turn between two tokens, and the garbage collector its own.
    await new Promise((resolve) => setTimeout(resolve));
  }
  return { timings, heapBytes: side.heapBytes() };
}

/** Any token will do: time does not depend on which. */
export const someToken = (i: number): number => (i * 7919) % 50_000;
