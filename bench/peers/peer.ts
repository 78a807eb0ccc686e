/** @module A peer as the schedule sees it. */
import type { PeerModels } from './models.ts';
import type { Reply, Task } from './protocol.ts';

export interface Peer {
  readonly name: string;
  /** Of its weights. */
  readonly precision: string;
  /** Why it cannot run here, and how to change that; null if it can. */
  missing(): Promise<string | null>;
  /** Starts its runtime, with no model, in a fresh process. */
  start(models: PeerModels): Promise<RunningPeer>;
}

export interface RunningPeer {
  /** What its start takes a user: a process and its imports, or a page; 0 where a server is already there. */
  readonly startMilliseconds: number;
  /** The processes of which the largest has the model; looked for anew each time. */
  pids(): readonly number[];
  load(): Promise<void>;
  perform(task: Task): Promise<Reply>;
  close(): Promise<void>;
}
