/**
 * @module What a token costs in a text longer than the context: GPT-2 124M at int4, whose window of 1,024 tokens is reset
 * every 512. Both times are of the same text, so that a busy machine changes both.
 */
import { decode } from '../decoding/decode.ts';
import type { DecodingOptions } from '../decoding/options/options.ts';
import { loadEngine } from '../engine/node/load-engine.ts';
import { table } from './format.ts';
import { INT4_MODEL } from './models.ts';
import { syntheticToken } from './side.ts';

export interface LongText {
  readonly name: string;
  readonly tokens: number;
  readonly resets: number;
  /** Milliseconds of each reset, with the step in it. */
  readonly resetSteps: readonly number[];
  /** Milliseconds of each step after the first reset that is none itself. */
  readonly steps: readonly number[];
}

const CONFIGURATIONS: readonly (readonly [name: string, options: DecodingOptions])[] = [
  ['greedy', {}],
  ['greedy, n_keep 256', { n_keep: 256 }],
  ['4 beams', { num_beams: 4 }],
];
const PROMPT = 300;

export async function measureLongTexts(tokens: number): Promise<LongText[]> {
  const engine = await loadEngine(INT4_MODEL);
  try {
    const texts: LongText[] = [];
    for (const [name, options] of CONFIGURATIONS) {
      const prompt = Array.from({ length: PROMPT }, (_, i) => syntheticToken(i));
      const [steps, resetSteps]: [number[], number[]] = [[], []];
      let isReset = false;
      let begin = performance.now();
      const long = { ...options, ignore_eos: true, truncation: 'auto', max_new_tokens: tokens } as const;
      for await (const { type } of decode(engine, prompt, long)) {
        if (type === 'context_reset') isReset = true;
        if (type !== (options.num_beams ? 'beams' : 'token')) continue;
        const milliseconds = performance.now() - begin;
        if (isReset) resetSteps.push(milliseconds);
        // Before the first reset, texts are shorter than ever after.
        else if (resetSteps.length > 0) steps.push(milliseconds);
        isReset = false;
        begin = performance.now();
      }
      texts.push({ name, tokens, resets: resetSteps.length, resetSteps, steps });
    }
    return texts;
  } finally {
    engine.release();
  }
}

export function reportLongTexts(texts: readonly LongText[]): string {
  const header = ['', 'tokens', 'resets', 'a step, ms', 'a reset, ms', 'a token / a step'];
  const rows = texts.map(({ name, tokens, resets, steps, resetSteps }) => {
    const step = mean(steps);
    const all = mean([...steps, ...resetSteps]);
    return [
      ...[name, String(tokens), String(resets), step.toFixed(1), mean(resetSteps).toFixed(0)],
      `${(all / step).toFixed(2)} ×`,
    ];
  });
  return [
    '**A token of a long text**, GPT-2 124M at int4, context of 1,024, in Node; from the first reset on:',
    table(header, rows),
  ].join('\n\n');
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
