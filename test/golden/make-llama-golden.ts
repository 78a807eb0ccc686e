/**
 * @module Writes llama.json: texts and distributions of llama.cpp with DRY and XTC, on the default checkpoint in F32.
 *
 *     node test/golden/make-llama-golden.ts
 *
 * Installs node-llama-cpp in bench/peers/native, as the benchmark of peers does. Its DRY knows the tokens that it has chosen,
 * not its prompt. So it begins after a single end of text, and a bias makes it choose the rest of the prompt.
 *
 * - `greedy`: DRY at temperature 0, up to the first choice that rounding may change.
 * - `excluded`: the same with XTC at each token: the likeliest of what is left.
 * - `sampled`: of each token, the probabilities of all tokens that DRY, `top_k`, XTC and the temperature leave.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeGpt2Gguf } from '../../bench/peers/gpt2-gguf.ts';
import { ensureInstalled } from '../../bench/peers/packages.ts';
import type { DecodingOptions } from '../../decoding/options/options.ts';
import { DEFAULT_CHECKPOINT } from '../../model-assets/ensure.ts';
import { Tokenizer } from '../../tokenizer/tokenizer.ts';
import setup from '../support/global-setup.ts';
import type { LlamaCase } from '../support/llama-golden.ts';
import { DEFAULT_F32, GOLDEN } from '../support/models.ts';

/** Logarithm of the ratio of two probabilities that rounding may bring into another order. */
const TIE = 0.02;
const TOKENS = 24;
/** Also of the tokens that DRY looks at: the package's own way to say all of them turns it off. */
const CONTEXT = 512;
/** Of the prompt, whatever DRY takes off. */
const FORCED = 1e20;

const PROMPTS = [
  'Once upon a time, there was a little girl',
  'The cat sat on the mat. The cat sat on the mat. The cat sat',
  'Tom: "Go!" said Tom. Tom: "Go!" said Anna. Tom: "Go!" said',
  'a b c a b d a b',
  'She said: yes, yes, yes\n\nHe said: yes, yes',
  'One, two, three, one, two, three -> one, two',
];
const DRY: readonly DecodingOptions[] = [
  { dry_multiplier: 0.8 },
  { dry_multiplier: 0.8, dry_sequence_breakers: [] },
  { dry_multiplier: 3, dry_base: 1.2, dry_allowed_length: 1, dry_sequence_breakers: [' ', '.'] },
  { dry_multiplier: 1, dry_base: 1, dry_allowed_length: 1, dry_penalty_last_n: 8 },
  { dry_multiplier: 0.5, dry_base: 2, dry_penalty_last_n: 16, dry_sequence_breakers: ['. The', '" said', ', '] },
  { dry_multiplier: 2, dry_base: 4, dry_allowed_length: 4, dry_sequence_breakers: ['e', 'llo', ' th'] },
];
const XTC: readonly DecodingOptions[] = [0.03, 0.1, 0.2, 0.3, 0.5].map((xtc_threshold) => ({
  xtc_probability: 1,
  xtc_threshold,
}));
const SAMPLED: readonly DecodingOptions[] = [
  { ...DRY[0], temperature: 1.5, top_k: 12 },
  { ...DRY[2], temperature: 0.7, top_k: 10, xtc_probability: 1, xtc_threshold: 0.1 },
  { temperature: 2, top_k: 8, xtc_probability: 1, xtc_threshold: 0.05 },
];

const unavailable = await ensureInstalled('native');
if (unavailable !== null) throw new Error(unavailable);
const { startLlama, TokenBias } = await import('../../bench/peers/native/llama.ts');
await setup();
const tokenizer = Tokenizer.read(await readFile(join(DEFAULT_F32, 'tokenizer.bin')));
const [end = 0] = tokenizer.encode('<|endoftext|>');

const folder = await mkdtemp(join(tmpdir(), 'edgebeam-llama-'));
try {
  const modelPath = join(folder, 'default.gguf');
  await writeGpt2Gguf(DEFAULT_CHECKPOINT, 'F32', modelPath);
  const llama = await startLlama();
  const model = await llama.loadModel({ modelPath });
  const context = await model.createContext({
    contextSize: CONTEXT,
    batchSize: CONTEXT,
    sequences: 1,
    threads: 1,
    flashAttention: false,
    experimentalKvCacheKeyType: 'F32',
    experimentalKvCacheValueType: 'F32',
  });
  const sequence = context.getSequence();

  /** Each token that follows the prompt, with the probabilities that it was chosen by, largest first. */
  async function* continued(prompt: readonly number[], options: DecodingOptions) {
    let length = 0;
    const bias = () => {
      const bias = TokenBias.for(model);
      const forced = prompt[++length];
      return forced === undefined ? bias : bias.set(forced, { logit: FORCED });
    };
    await sequence.clearHistory();
    const metadata = { probabilities: true } as const;
    for await (const { token, probabilities } of sequence.evaluateWithMetadata([end], metadata, {
      ...llamaOptions(options),
      tokenBias: bias,
      yieldEogToken: true,
    })) {
      const forced = prompt[length];
      if (forced !== undefined && forced !== token) throw new Error(`${token} follows in place of ${forced}`);
      if (forced === undefined) yield { token, probabilities: [...probabilities] };
    }
  }

  async function greedy(kind: LlamaCase['kind'], text: string, options: DecodingOptions): Promise<LlamaCase> {
    const prompt = [end, ...tokenizer.encode(text)];
    const tokens: number[] = [];
    for await (const { token, probabilities } of continued(prompt, options)) {
      const [[, first = 1] = [], [, second = 0] = []] = probabilities;
      if (Math.log(first / second) < TIE) break;
      tokens.push(token);
      if (tokens.length === TOKENS || token === end) break;
    }
    return { kind, prompt, options, tokens };
  }

  async function sampled(text: string, options: DecodingOptions): Promise<LlamaCase> {
    const prompt = [end, ...tokenizer.encode(text)];
    const tokens: number[] = [];
    const distributions: LlamaCase['distributions'] = [];
    for await (const { token, probabilities } of continued(prompt, options)) {
      tokens.push(token);
      distributions.push(probabilities.map(([id, share]) => [id, Number(share.toFixed(5))]));
      if (tokens.length === TOKENS || token === end) break;
    }
    return { kind: 'sampled', prompt, options, tokens, distributions };
  }

  const cases: LlamaCase[] = [];
  for (const text of PROMPTS) {
    for (const options of DRY) cases.push(await greedy('greedy', text, options));
    for (const options of XTC) cases.push(await greedy('excluded', text, options));
    cases.push(await greedy('excluded', text, { ...DRY[0], ...XTC[1] }));
  }
  for (const text of PROMPTS.slice(1, 3)) {
    for (const options of SAMPLED) cases.push(await sampled(text, options));
  }
  await context.dispose();
  await writeFile(join(GOLDEN, 'llama.json'), `${JSON.stringify({ cases })}\n`);
  console.log(cases.length, 'cases,', cases.reduce((sum, { tokens }) => sum + tokens.length, 0), 'tokens');
} finally {
  await rm(folder, { recursive: true });
}

/** The options with llama.cpp's defaults, under the names of node-llama-cpp. */
function llamaOptions(options: DecodingOptions) {
  const { dry_multiplier = 0, dry_penalty_last_n = -1, xtc_probability = 0, temperature = 0, top_k } = options;
  return {
    temperature,
    seed: 1,
    repeatPenalty: false as const,
    // Its default is 0.95.
    topP: 1,
    ...(top_k !== undefined && { topK: top_k }),
    ...(xtc_probability > 0 && {
      xtc: { probability: xtc_probability, threshold: options.xtc_threshold ?? 0.1 },
    }),
    ...(dry_multiplier > 0 && {
      dryRepeatPenalty: {
        strength: dry_multiplier,
        base: options.dry_base ?? 1.75,
        allowedLength: options.dry_allowed_length ?? 2,
        lastTokens: dry_penalty_last_n < 0 ? CONTEXT : dry_penalty_last_n,
        sequenceBreakers: options.dry_sequence_breakers ?? ['\n', ':', '"', '*'],
      },
    }),
  };
}
