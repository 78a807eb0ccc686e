/** @module A contestant as the schedule sees it, in processes of its own. */
import type { Answer, Request } from './side.ts';

export const SIDES = ['ours', 'usual'] as const;
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
