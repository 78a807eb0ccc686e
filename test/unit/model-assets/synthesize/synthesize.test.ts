import { execFile } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { openCheckpoint } from '../../../../model-assets/checkpoint/checkpoint.ts';
import { CheckpointError } from '../../../../model-assets/checkpoint/interface/errors.ts';
import type { StoredTensor } from '../../../../model-assets/checkpoint/interface/stored-tensor.ts';
import { convert } from '../../../../model-assets/convert/convert.ts';
import { createRandom, fillNormal } from '../../../../model-assets/synthesize/normal.ts';
import { PRESETS, synthesize } from '../../../../model-assets/synthesize/synthesize.ts';
import { syntheticBpe } from '../../../../model-assets/synthesize/synthetic-bpe.ts';
import { temporaryFolder } from '../../../support/checkpoints.ts';

const readAll = async (dir: string) =>
  Promise.all(
    (await readdir(dir)).sort().map(async (name) => [name, await readFile(join(dir, name))] as const),
  );

const deviation = (values: Float32Array) =>
  Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);
const median = (values: Float32Array) => values.map(Math.abs).sort()[values.length >> 1] as number;

test('the seed determines every byte', async () => {
  await using dir = await temporaryFolder();
  const [a, b, c] = ['a', 'b', 'c'].map((name) => join(dir.path, name)) as [string, string, string];
  await synthesize({ preset: 'tiny', out: a, seed: 7 });
  await synthesize({ preset: 'tiny', out: b, seed: 7 });
  await synthesize({ preset: 'tiny', out: c, seed: 8 });
  const [first, same, other] = await Promise.all([a, b, c].map(readAll));
  expect(same).toEqual(first);
  const changed = first?.filter(([, bytes], i) => !other?.[i]?.[1].equals(bytes)).map(([name]) => name);
  expect(changed).toEqual(['config.json', 'merges.txt', 'model.safetensors', 'vocab.json']);
});

test('F16 stores the rounded values of F32', async () => {
  await using dir = await temporaryFolder();
  const read = async (dtype: 'F16' | 'F32') => {
    const out = join(dir.path, dtype);
    const { parameters, bytes } = await synthesize({ preset: 'tiny', out, dtype });
    expect(bytes).toBe(parameters * (dtype === 'F16' ? 2 : 4));
    const checkpoint = await openCheckpoint(out);
    const values = await (checkpoint.parameters.get('wpe.weight') as StoredTensor).read(0, 64 * 48);
    await checkpoint.close();
    return values;
  };
  const [half, full] = [await read('F16'), await read('F32')];
  half.forEach((value, i) => {
    expect(Math.abs(value - (full[i] as number))).toBeLessThanOrEqual(Math.abs(value) * 2 ** -11 + 2 ** -25);
  });
});

test('the residual stream has three outliers, and the weights that read them are small', async () => {
  await using dir = await temporaryFolder();
  await synthesize({ preset: 'tiny', out: join(dir.path, 't'), seed: 1 });
  const checkpoint = await openCheckpoint(join(dir.path, 't'));
  const read = (name: string, count: number) =>
    (checkpoint.parameters.get(name) as StoredTensor).read(0, count);
  const bias = await read('h.1.mlp.c_proj.bias', 48);
  const outliers = [...bias.keys()].filter((i) => Math.abs(bias[i] as number) > 10 * median(bias));
  expect(outliers).toHaveLength(3);
  const gain = await read('h.0.ln_1.weight', 48);
  expect([...gain.keys()].filter((i) => (gain[i] as number) > 1.5)).toEqual(outliers);
  const projection = await read('h.0.attn.c_proj.weight', 48 * 48);
  const reader = await read('h.0.attn.c_attn.weight', 48 * 144);
  const column = (i: number) => projection.filter((_, index) => index % 48 === i);
  const row = (i: number) => reader.subarray(i * 144, (i + 1) * 144);
  for (const i of outliers) {
    expect(deviation(column(i))).toBeGreaterThan(2 * deviation(projection));
    expect(deviation(row(i))).toBeLessThan(deviation(reader) / 8);
  }
  expect(deviation(reader)).toBeCloseTo(0.02, 2);
  await checkpoint.close();
});

test('the checkpoint and its tokenizer convert', async () => {
  await using dir = await temporaryFolder();
  const source = join(dir.path, 'tiny');
  await synthesize({ preset: 'tiny', out: source });
  const { config, provenance } = await convert({ source, out: join(dir.path, 'model'), precision: 'int8' });
  expect(config).toMatchObject({ ...PRESETS.tiny, n_inner: 192, bos_token_id: 399, eos_token_ids: [399] });
  expect(provenance.dtypes).toEqual(['F16']);
});

test('only a synthesized checkpoint is replaced', async () => {
  await using dir = await temporaryFolder();
  const out = join(dir.path, 't');
  await synthesize({ preset: 'tiny', out });
  await synthesize({ preset: 'tiny', out, seed: 2 });
  await writeFile(join(out, 'config.json'), '{"model_type":"gpt2"}');
  await expect(synthesize({ preset: 'tiny', out })).rejects.toThrow(
    new CheckpointError(
      `${out} is neither empty nor a synthesized checkpoint: choose another folder, or empty it`,
    ),
  );
});

test.for([257, 400, 50257])(
  'a vocabulary of %i tokens is valid: merges join existing tokens into new ones',
  (size) => {
    const { vocab, merges } = syntheticBpe(size, 3);
    expect([...vocab.values()]).toEqual([...vocab.keys()].map((_, id) => id));
    expect(vocab.size).toBe(size);
    expect(vocab.get('<|endoftext|>')).toBe(size - 1);
    expect(vocab.get('!')).toBe(0);
    expect(vocab.get('Ġ')).toBe(220);
    for (const [rank, [left, right]] of merges.entries()) {
      expect(vocab.get(left + right)).toBe(256 + rank);
      expect(Math.max(vocab.get(left) ?? size, vocab.get(right) ?? size)).toBeLessThan(256 + rank);
    }
  },
);

test('a byte-level vocabulary cannot be smaller than its bytes', () => {
  expect(() => syntheticBpe(256, 0)).toThrow('A byte-level vocabulary needs at least 257 tokens, found 256');
});

test('normal numbers have the moments of a normal distribution', () => {
  const values = new Float32Array(1 << 20);
  fillNormal(values, createRandom(1, 'x'), 1);
  const moment = (power: number) => values.reduce((sum, x) => sum + x ** power, 0) / values.length;
  expect(Math.abs(moment(1))).toBeLessThan(0.005);
  expect(Math.abs(moment(2) - 1)).toBeLessThan(0.01);
  expect(Math.abs(moment(3))).toBeLessThan(0.02);
  expect(Math.abs(moment(4) - 3)).toBeLessThan(0.05);
  const neighbours = values.reduce((sum, x, i) => sum + x * (values[i + 1] ?? 0), 0) / values.length;
  expect(Math.abs(neighbours)).toBeLessThan(0.005);
});

const SCRIPT = fileURLToPath(new URL('../../../../model-assets/cli/synthesize.ts', import.meta.url));
const run = (...args: string[]) =>
  new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    execFile(process.execPath, [SCRIPT, ...args], (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });

test('the command writes a checkpoint and prints its size', async () => {
  await using dir = await temporaryFolder();
  const { code, stdout } = await run('--preset', 'tiny', '--out', join(dir.path, 't'), '--dtype', 'F32');
  expect([code, stdout]).toEqual([0, 'tiny: 78,912 parameters, 315,648 bytes as F32\n']);
});

test.for<[string[], number, string]>([
  [['--out', 'x'], 2, "error: required option '--preset <preset>' not specified"],
  [
    ['--preset', 'tiny', '--out', 'x', '--seed', '-1'],
    2,
    "argument '-1' is invalid. Expected an integer from 0 to 4294967295.",
  ],
  [
    ['--preset', 'gpt3', '--out', 'x'],
    2,
    'Allowed choices are tiny, distilgpt2, gpt2, gpt2-medium, gpt2-large, gpt2-xl.',
  ],
  [['--preset', 'tiny', '--out', SCRIPT], 1, 'synthesize.ts is a file, expected a folder'],
])('the command reports errors: %j', async ([args, expected, message]) => {
  const { code, stderr } = await run(...args);
  expect(code).toBe(expected);
  expect(stderr).toContain(message);
});
