/** @module The schedule's interface to a peer. */
import type { PeerModels } from './models.ts';
import type { Reply, Task } from './protocol.ts';

export interface Peer {
  readonly name: string;
  /** Precision of its weights. */
  readonly precision: string;
  /** Why the peer cannot run here, and how to change that; null if it can. */
  missing(): Promise<string | null>;
  /** Starts the runtime without a model in a fresh process. */
  start(models: PeerModels): Promise<RunningPeer>;
}

export interface RunningPeer {
  /** Startup time for a user: a process and its imports, or a page; 0 for a server that already runs. */
  readonly startMilliseconds: number;
  /** Current candidate processes; the largest one holds the model. */
  pids(): readonly number[];
  load(): Promise<void>;
  perform(task: Task): Promise<Reply>;
  close(): Promise<void>;
}
