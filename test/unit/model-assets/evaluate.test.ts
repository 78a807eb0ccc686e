/** @module Compares the default model at int8 and f32 on a short text, and tests the command. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadEngine } from '../../../engine/node/load-engine.ts';
import { type EvaluateOptions, evaluate } from '../../../model-assets/evaluate.ts';
import { Tokenizer } from '../../../tokenizer/tokenizer.ts';
import { DEFAULT_F32, DEFAULT_INT8, GOLDEN, ODD_F32, ODD_INT8 } from '../../support/models.ts';
import { sequenceLogits } from '../../support/rows.ts';

const STORY = join(GOLDEN, 'eval-text', 'story.txt');
const text = readFileSync(STORY, 'utf8');

describe('evaluate', () => {
  it('measures int8 within 1 % of the perplexity of f32, at a top-1 agreement of 95 % or more', async () => {
    const { model, reference, ...figures } = await evaluate({
      model: DEFAULT_INT8,
      reference: DEFAULT_F32,
      text,
    });
    expect(figures.predictions).toBeGreaterThan(700);
    expect(figures.window).toBe(256);
    expect(Math.abs(model.perplexity / reference.perplexity - 1)).toBeLessThan(0.01);
    expect(figures.top1Agreement).toBeGreaterThanOrEqual(0.95);
    expect(figures.divergence.mean).toBeGreaterThan(0);
    expect(figures.divergence.mean).toBeLessThan(0.01);
    expect(figures.divergence.percentile99).toBeGreaterThan(figures.divergence.mean);
    expect(figures.largestLogitDifference).toBeGreaterThan(0);
  });

  it('finds no difference between a model and itself', async () => {
    const figures = await evaluate({ model: ODD_INT8, reference: ODD_INT8, text, tokens: 200 });
    expect(figures).toMatchObject({
      predictions: 199,
      window: 96, // Its context, which is below 256.
      top1Agreement: 1,
      divergence: { mean: 0, percentile99: 0 },
      largestLogitDifference: 0,
    });
    expect(figures.model).toEqual(figures.reference);
  });

  it('predicts every token but the first, in independent windows', async () => {
    const window = 40;
    const { model } = await evaluate({ model: ODD_F32, reference: ODD_INT8, text, tokens: 101, window });
    const engine = await loadEngine(ODD_F32);
    const ids = Tokenizer.read(engine.tokenizerFile).encode(text).subarray(0, 101);
    let loss = 0;
    for (let begin = 0; begin < 100; begin += window) {
      const rows = await sequenceLogits(engine, [...ids.subarray(begin, Math.min(begin + window, 100))]);
      for (const [i, row] of rows.entries()) {
        loss += Math.log(row.reduce((sum, logit) => sum + Math.exp(logit), 0));
        loss -= row[ids[begin + i + 1] as number] as number;
      }
    }
    engine.release();
    expect(model.perplexity).toBeCloseTo(Math.exp(loss / 100), 2);
  });

  it.each<{ why: string; change: Partial<EvaluateOptions>; message: RegExp }>([
    {
      why: 'vocabularies differ',
      change: { reference: ODD_F32 },
      message:
        /^The models have different vocabularies: 8192 tokens, .* and 307 tokens, .* HINT: convert both from one checkpoint$/,
    },
    { why: 'the text is empty', change: { text: '' }, message: /^The text has 0 tokens, expected 2 or more/ },
    {
      why: 'the window exceeds the context',
      change: { window: 513 },
      message: /^A window of 513 tokens exceeds the context of 512 tokens$/,
    },
    {
      why: 'a model is missing',
      change: { model: GOLDEN },
      message: /^manifest.json cannot be read: ENOENT$/,
    },
  ])('throws if $why', async ({ change, message }) => {
    const options = { model: DEFAULT_INT8, reference: DEFAULT_INT8, text, ...change };
    await expect(evaluate(options)).rejects.toThrow(message);
  });

  it('aborts between two batches', async () => {
    const stop = new AbortController();
    const onProgress = () => stop.abort(new Error('enough'));
    const options = { model: ODD_INT8, reference: ODD_INT8, text, onProgress, signal: stop.signal };
    await expect(evaluate(options)).rejects.toThrow('enough');
  });
});

describe('npm run evaluate', () => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [join('model-assets', 'cli', 'evaluate.ts'), ...args], { encoding: 'utf8' });

  it('prints an aligned Markdown table', () => {
    const { stdout, status } = run(ODD_INT8, '--reference', ODD_F32, '--text', STORY, '--tokens', '50');
    expect(status).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(new Set(lines.map((line) => line.length)).size).toBe(1);
    expect(lines[0]).toMatch(
      /^\| 49 tokens, windows of 96 +\| +odd-checkpoint int8 \| +odd-checkpoint f32 \|$/,
    );
    expect(lines[1]).toMatch(/^\| :-+ \| -+: \| -+: \|$/);
    expect(stdout).toMatch(/\| same most likely token +\| +\d+\.\d\d % \|/);
  });

  it.each([
    {
      why: 'the input',
      args: [ODD_INT8, '--reference', ODD_INT8, '--text', 'no-such-file'],
      code: 1,
      expected: /^evaluate: ENOENT.*\n$/,
    },
    {
      why: 'a model',
      args: [ODD_INT8, '--reference', DEFAULT_INT8, '--text', STORY],
      code: 1,
      expected: /^evaluate: The models have different vocabularies.*\n$/,
    },
    { why: 'the command line', args: [ODD_INT8], code: 2, expected: /--reference <dir>' not specified/ },
    {
      why: 'a number',
      args: [ODD_INT8, '--tokens', '1'],
      code: 2,
      expected: /Expected an integer of at least 2\./,
    },
  ])('exits with $code if $why is invalid', ({ args, code, expected }) => {
    const { status, stderr, stdout } = run(...args);
    expect(stderr).toMatch(expected);
    expect({ status, stdout }).toEqual({ status: code, stdout: '' });
  });
});
