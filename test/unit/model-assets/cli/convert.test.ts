import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readModel, temporaryFolder, writeCheckpoint } from '../../../support/checkpoints.ts';
import { runConvert as run, SCRIPT } from '../../../support/convert-command.ts';

test('converts, prints progress to stderr and a summary to stdout', async () => {
  await using dir = await temporaryFolder();
  await writeCheckpoint(dir.path);
  const out = join(dir.path, 'model');
  const { code, stdout, stderr } = await run([dir.path, '--out', out, '--name', 'small']);
  expect(code).toBe(0);
  const { manifest } = await readModel(out);
  const bytes = manifest.shards[0]?.bytes.toLocaleString('en');
  const worst = Math.max(...manifest.quantization.map(({ relative_rms_error }) => relative_rms_error));
  const { name } = manifest.quantization.find(({ relative_rms_error }) => relative_rms_error === worst) ?? {};
  expect(stdout).toBe(`name         small
parameters   35,584
precision    int8
weights      ${bytes} bytes in 1 shard
files        manifest.json, tokenizer.bin, norm.onnx, residual_norm.onnx, weights-*.bin
worst error  ${(100 * worst).toFixed(2)} % RMS of ${name}
folder       ${out}
`);
  expect(stderr.trimEnd().split('\n').at(-1)).toMatch(/^convert: 100 % \(SHA-256 of /);
});

test('--precision f32 converts to f32', async () => {
  await using dir = await temporaryFolder();
  await writeCheckpoint(dir.path);
  const { code, stdout } = await run([dir.path, '--out', join(dir.path, 'model'), '--precision', 'f32']);
  expect(code).toBe(0);
  expect(stdout).toContain('precision    f32\n');
  expect(stdout).toContain('worst error  none, f32 is exact\n');
});

test('--help prints the options and exits with 0', async () => {
  const { code, stdout, stderr } = await run(['--help']);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toContain('Usage: convert [options] <source>');
  for (const option of [
    '--out <dir>',
    '--revision <revision>',
    'HF_TOKEN',
    '--precision <precision>',
    '--name <name>',
  ])
    expect(stdout).toContain(option);
});

test.for<[string[], string]>([
  [['x', '--out', 'y', '--turbo'], "error: unknown option '--turbo'"],
  [['--out', 'y'], "error: missing required argument 'source'"],
  [
    ['x', '--out', 'y', '--precision', 'int2'],
    "error: option '--precision <precision>' argument 'int2' is invalid. Allowed choices are int4, int8, f32.",
  ],
])('an invalid command line exits with 2: %j', async ([args, message]) => {
  const { code, stdout, stderr } = await run(args);
  expect([code, stdout, stderr]).toEqual([2, '', `${message}\n(--help shows the usage)\n`]);
});

test.for<[string, string[], string]>([
  ['an empty folder', ['.'], 'config.json not found: SOURCE must be a folder in Hugging Face format'],
  [
    'neither a folder nor an id',
    ['./nowhere'],
    './nowhere is neither a local folder nor a model id: expected OWNER/NAME, e.g. openai-community/gpt2',
  ],
  [
    'a file',
    [SCRIPT],
    `${SCRIPT} is a file: SOURCE must be a folder in Hugging Face format, or one of .gguf, .pt, .pth, .bin, .ckpt`,
  ],
  [
    'a revision of a folder',
    ['.', '--revision', 'main'],
    '--revision applies to models on the hub, and . is a local folder',
  ],
])('%s exits with 1, one message and no stack', async ([, args, message]) => {
  await using dir = await temporaryFolder();
  const { code, stdout, stderr } = await run([...args, '--out', '../model'], { cwd: dir.path });
  expect([code, stdout, stderr]).toEqual([1, '', `convert: ${message}\n`]);
  expect(await readdir(dir.path)).toEqual([]);
});

test('--out defaults to models/ and the name of the source', async () => {
  await using dir = await temporaryFolder();
  const source = join(dir.path, 'tiny');
  await mkdir(source);
  await writeCheckpoint(source);
  const { code, stdout } = await run(['tiny'], { cwd: dir.path });
  expect(code).toBe(0);
  expect(stdout).toContain(`folder       ${join('models', 'tiny')}\n`);
  expect((await readModel(join(dir.path, 'models', 'tiny'))).manifest.name).toBe('tiny');
});
