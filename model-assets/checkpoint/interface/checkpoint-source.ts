/** @module What each kind of SOURCE gives: the text files of its metadata, and its weights. */
import type { Metadata } from './metadata.ts';
import type { Weights } from './stored-tensor.ts';

export interface CheckpointSource {
  readonly metadata: Metadata;
  /** Opens the weights, once. */
  openWeights(): Promise<Weights>;
  /** Closes what is open. */
  close(): Promise<void>;
}
