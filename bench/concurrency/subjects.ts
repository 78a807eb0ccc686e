/** @module The models of the concurrency benchmark and their workloads: a slow model gets a smaller one. */
import { DEFAULT_MODEL } from '../../model-assets/ensure.ts';
import { INT4_MODEL, INT8_MODEL } from '../models.ts';
import { ISOLATE_HEAP_MIB, LARGE_HEAP_MIB } from '../workerd/server.ts';

export interface Subject {
  readonly name: string;
  /** Folder of the converted model. */
  readonly assets: string;
  readonly heapMib: number;
  /** Tokens of each concurrent answer. At int4 the 16 requests share some 800 slots. */
  readonly tokens: number;
  /** Tokens of the stream beside which long prompts arrive. */
  readonly streamTokens: number;
  /** Maximum number of long prompts. */
  readonly longPrompts: number;
  /** Measurements of each of these, which take turns. */
  readonly rounds: number;
  /** Prompts with a cached prefix, and the same number of uncached ones. */
  readonly prefixes: number;
}

const DEFAULT: Subject = {
  name: 'the default model, 7M',
  assets: DEFAULT_MODEL,
  heapMib: ISOLATE_HEAP_MIB,
  tokens: 64,
  streamTokens: 256,
  longPrompts: 4,
  rounds: 5,
  prefixes: 15,
};
const GPT2_INT4: Subject = {
  ...DEFAULT,
  name: 'GPT-2 124M, int4',
  assets: INT4_MODEL,
  tokens: 32,
  rounds: 3,
  prefixes: 9,
};
const GPT2_INT8: Subject = {
  ...GPT2_INT4,
  name: 'GPT-2 124M, int8',
  assets: INT8_MODEL,
  heapMib: LARGE_HEAP_MIB,
  streamTokens: 160,
  longPrompts: 2,
  rounds: 2,
  prefixes: 6,
};

export const SUBJECTS: readonly Subject[] = [DEFAULT, GPT2_INT4, GPT2_INT8];

/** A short version: checks that it works. */
export const quick = (subject: Subject): Subject => ({
  ...subject,
  tokens: subject.tokens / 4,
  streamTokens: subject.streamTokens / 2,
  longPrompts: 1,
  rounds: 1,
  prefixes: 1,
});
