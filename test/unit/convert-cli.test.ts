import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { readModel, temporaryFolder, writeCheckpoint } from '../support/checkpoints.ts';

const SCRIPT = fileURLToPath(new URL('../../model-assets/cli/convert.ts', import.meta.url));

/** Runs the command as a process of its own. */
function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [SCRIPT, ...args], (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

test('converts, tells its progress on stderr and a summary on stdout', async () => {
  await using dir = await temporaryFolder();
  await writeCheckpoint(dir.path);
  const out = join(dir.path, 'model');
  const { code, stdout, stderr } = await run(dir.path, '--out', out, '--name', 'small');
  expect(code).toBe(0);
  const { manifest } = await readModel(out);
  const bytes = manifest.shards[0]?.bytes.toLocaleString('en');
  const worst = Math.max(...manifest.quantization.map(({ relative_rms_error }) => relative_rms_error));
  const { name } = manifest.quantization.find(({ relative_rms_error }) => relative_rms_error === worst) ?? {};
  expect(stdout).toBe(`name         small
parameters   35,584
precision    int8
weights      ${bytes} bytes in 1 shard
files        manifest.json, tokenizer.bin, embed.onnx, qkv.onnx, block.onnx, head.onnx, weights-*.bin
worst error  ${(100 * worst).toFixed(2)} % RMS of ${name}
`);
  expect(stderr.trimEnd().split('\n').at(-1)).toMatch(/^convert: 100 % \(SHA-256 of /);
});

test('f32 is a choice', async () => {
  await using dir = await temporaryFolder();
  await writeCheckpoint(dir.path);
  const { code, stdout } = await run(dir.path, '--out', join(dir.path, 'model'), '--precision', 'f32');
  expect(code).toBe(0);
  expect(stdout).toContain('precision    f32\n');
  expect(stdout).toContain('worst error  none, f32 is exact\n');
});

test('--help explains and ends with 0', async () => {
  const { code, stdout, stderr } = await run('--help');
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toContain('Usage: convert [options] <source>');
  for (const option of ['--out <dir>', '--precision <precision>', '--name <name>'])
    expect(stdout).toContain(option);
});

test.for<[string[], string]>([
  [['x', '--out', 'y', '--fast'], "error: unknown option '--fast'"],
  [['x'], "error: required option '--out <dir>' not specified"],
  [['--out', 'y'], "error: missing required argument 'source'"],
  [
    ['x', '--out', 'y', '--precision', 'int2'],
    "error: option '--precision <precision>' argument 'int2' is invalid. Allowed choices are int4, int8, f32.",
  ],
])('a bad command line ends with 2: %j', async ([args, message]) => {
  const { code, stdout, stderr } = await run(...args);
  expect([code, stdout, stderr]).toEqual([2, '', `${message}\n(--help shows the usage)\n`]);
});

test('a bad checkpoint ends with 1, one message and no stack', async () => {
  await using dir = await temporaryFolder();
  const { code, stdout, stderr } = await run(join(dir.path, 'nowhere'), '--out', join(dir.path, 'model'));
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toBe('convert: config.json not found: SOURCE must be a folder in Hugging Face format\n');
  expect(await readdir(dir.path)).toEqual([]);
});
