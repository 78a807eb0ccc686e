/** @module The operations of a contestant, independent of its process. */

/** Cached positions before every measured step. */
export const PAST = 256;
/** Rows of the measured steps: one sequence, four beams, eight beams. */
export const STEP_ROWS = [1, 4, 8] as const;
export const MAX_STEP_ROWS = Math.max(...STEP_ROWS);
/** Tokens of the measured prompt. */
export const PROMPT = 64;

/** In milliseconds. */
export interface Timing {
  readonly run: number;
  /** Copying each beam's keys and values from its parent. */
  readonly reorder: number;
}

export interface Side {
  /** Computes a prompt of {@link PROMPT} tokens, with logits for the last. */
  prefill(): Promise<Timing>;
  /** Computes one token for each of `rows` sequences after {@link PAST} cached positions, with logits. */
  step(rows: number): Promise<Timing>;
  /** The size of the WebAssembly heap, which never shrinks. */
  heapBytes(): number;
}

/** A step's time excludes the computation of its past. */
export type Work = { readonly kind: 'prefill' } | { readonly kind: 'step'; readonly rows: number };
export type Request = Work & { readonly count: number };

export interface Answer {
  readonly timings: readonly Timing[];
  readonly heapBytes: number;
}

/** Performs the work `count` times. */
export async function perform(side: Side, request: Request): Promise<Answer> {
  const timings: Timing[] = [];
  for (let i = 0; i < request.count; i++) {
    timings.push(await (request.kind === 'prefill' ? side.prefill() : side.step(request.rows)));
    // Like a server, yield to the event loop and the garbage collector between two tokens.
    await new Promise((resolve) => setTimeout(resolve));
  }
  return { timings, heapBytes: side.heapBytes() };
}

/** An arbitrary token: its value does not affect the time. */
export const syntheticToken = (i: number): number => (i * 7919) % 50_000;
