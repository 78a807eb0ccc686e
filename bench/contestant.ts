/** @module The schedule's interface to a contestant, which runs in its own processes. */
import type { Answer, Request } from './side.ts';

/** edgebeam at int4 and at int8, and the usual layout at int8. */
export const SIDES = ['int4', 'int8', 'usual'] as const;
export type SideName = (typeof SIDES)[number];

export interface Contestant {
  /** Time to load the model, after the runtime has started. */
  readonly loadMilliseconds: number;
  /** The processes that belong to this contestant alone. */
  readonly pids: readonly number[];
  perform(request: Request): Promise<Answer>;
  close(): Promise<void>;
}

/** Starts a contestant in a fresh process. */
export type Start = (side: SideName | 'bare') => Promise<Contestant>;
