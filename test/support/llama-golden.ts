/** @module The cases of `test/golden/llama.json`: DRY and XTC of llama.cpp (`make-llama-golden.ts`). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DecodingOptions } from '../../decoding/options/options.ts';
import { GOLDEN } from './models.ts';

export interface LlamaCase {
  readonly kind: 'greedy' | 'excluded' | 'sampled';
  /** Begins with an end of text, which llama.cpp's DRY has not seen; a text ends with the next one. */
  readonly prompt: readonly number[];
  /** Without a `temperature` the likeliest token is chosen. */
  readonly options: DecodingOptions;
  readonly tokens: readonly number[];
  /** Of sampled texts: the tokens that could have been each token, and their probabilities. */
  readonly distributions?: [id: number, probability: number][][];
}

export function llamaCases(kind: LlamaCase['kind']): readonly LlamaCase[] {
  const { cases } = JSON.parse(readFileSync(join(GOLDEN, 'llama.json'), 'utf8')) as { cases: LlamaCase[] };
  return cases.filter((one) => one.kind === kind);
}
