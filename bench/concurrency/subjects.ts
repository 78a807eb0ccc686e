/** @module The models that serve many at once, and how much is asked of each: a slow one gets less. */
import { DEFAULT_MODEL } from '../../model-assets/ensure.ts';
import { INT4, INT8 } from '../models.ts';
import { ISOLATE_HEAP_MIB, LARGE_HEAP_MIB } from '../workerd/server.ts';

export interface Subject {
  readonly name: string;
  /** Folder of the converted model. */
  readonly assets: string;
  readonly heapMib: number;
  /** Tokens of each answer where many are at once. At int4 there are some 800 slots for all of 16. */
  readonly tokens: number;
  /** Tokens of the stream beside which long prompts arrive, and how many of these there are at most. */
  readonly streamTokens: number;
  readonly longPrompts: number;
  /** How often each of these is measured, in turn. */
  readonly rounds: number;
  /** Prompts of which a beginning was there before, and as many that are new. */
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
  assets: INT4,
  tokens: 32,
  rounds: 3,
  prefixes: 9,
};
const GPT2_INT8: Subject = {
  ...GPT2_INT4,
  name: 'GPT-2 124M, int8',
  assets: INT8,
  heapMib: LARGE_HEAP_MIB,
  streamTokens: 160,
  longPrompts: 2,
  rounds: 2,
  prefixes: 6,
};

export const SUBJECTS: readonly Subject[] = [DEFAULT, GPT2_INT4, GPT2_INT8];

/** To see that it works. */
export const quick = (subject: Subject): Subject => ({
  ...subject,
  tokens: subject.tokens / 4,
  streamTokens: subject.streamTokens / 2,
  longPrompts: 1,
  rounds: 1,
  prefixes: 1,
});
