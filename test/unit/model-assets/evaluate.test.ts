/** @module What int8 costs the default model, on a short text; and the command that says so. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadEngine } from '../../../engine/node/load-engine.ts';
import { type EvaluateOptions, evaluate } from '../../../model-assets/evaluate.ts';
import { DEFAULT_F32, DEFAULT_INT8, GOLDEN, ODD_F32, ODD_INT8 } from '../../support/models.ts';
import { sequenceLogits } from '../../support/rows.ts';

const STORY = join(GOLDEN, 'eval-text', 'story.txt');
const text = readFileSync(STORY, 'utf8');

describe('evaluate', () => {
  it('finds int8 within 1 % of the perplexity of f32, and agreeing on 95 % of the tokens or more', async () => {
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
      window: 96, // its whole context, since that is under 256
      top1Agreement: 1,
      divergence: { mean: 0, percentile99: 0 },
      largestLogitDifference: 0,
    });
    expect(figures.model).toEqual(figures.reference);
  });

  it('predicts every token but the first, each window without a past', async () => {
    const window = 40;
    const { model } = await evaluate({ model: ODD_F32, reference: ODD_INT8, text, tokens: 101, window });
    const engine = await loadEngine(ODD_F32);
    const ids = engine.tokenizer.encode(text).subarray(0, 101);
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
    { why: 'there is no text', change: { text: '' }, message: /^The text has 0 tokens, expected 2 or more/ },
    {
      why: 'a window is wider than the context',
      change: { window: 513 },
      message: /^A window of 513 tokens is wider than the context of 512 tokens$/,
    },
    {
      why: 'a model is not there',
      change: { model: GOLDEN },
      message: /^manifest.json cannot be read: ENOENT$/,
    },
  ])('says so when $why', async ({ change, message }) => {
    const options = { model: DEFAULT_INT8, reference: DEFAULT_INT8, text, ...change };
    await expect(evaluate(options)).rejects.toThrow(message);
  });

  it('stops between two batches when it is told to', async () => {
    const stop = new AbortController();
    const onProgress = () => stop.abort(new Error('enough'));
    const options = { model: ODD_INT8, reference: ODD_INT8, text, onProgress, signal: stop.signal };
    await expect(evaluate(options)).rejects.toThrow('enough');
  });
});

describe('npm run evaluate', () => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [join('model-assets', 'cli', 'evaluate.ts'), ...args], { encoding: 'utf8' });

  it('prints a table that is Markdown and lines up', () => {
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
      says: /^evaluate: ENOENT.*\n$/,
    },
    {
      why: 'a model',
      args: [ODD_INT8, '--reference', DEFAULT_INT8, '--text', STORY],
      code: 1,
      says: /^evaluate: The models have different vocabularies.*\n$/,
    },
    { why: 'the command line', args: [ODD_INT8], code: 2, says: /--reference <dir>' not specified/ },
    { why: 'a number', args: [ODD_INT8, '--tokens', '1'], code: 2, says: /Expected an integer from 2\./ },
  ])('exits with $code when $why is at fault', ({ args, code, says }) => {
    const { status, stderr, stdout } = run(...args);
    expect(stderr).toMatch(says);
    expect({ status, stdout }).toEqual({ status: code, stdout: '' });
  });
});
