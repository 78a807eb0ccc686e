/** @module A contestant as the schedule sees it, in processes of its own. */
import type { Answer, Request } from './side.ts';

/** edgebeam at 4 bits and at 8, and the usual layout at 8. */
export const SIDES = ['int4', 'int8', 'usual'] as const;
export type SideName = (typeof SIDES)[number];

export interface Contestant {
  /** From a runtime that has started to a model that is ready. */
  readonly loadMilliseconds: number;
  /** The processes whose memory is its own. */
  readonly pids: readonly number[];
  ask(request: Request): Promise<Answer>;
  close(): Promise<void>;
}

/** Starts it in a fresh process. */
export type Start = (side: SideName | 'bare') => Promise<Contestant>;
