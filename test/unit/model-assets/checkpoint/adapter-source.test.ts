/** @module LoRA adapters of peft on their base, against the weights that peft merges. */
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openCheckpoint } from '../../../../model-assets/checkpoint/checkpoint.ts';
import { CheckpointError } from '../../../../model-assets/checkpoint/interface/errors.ts';
import {
  elementsOf,
  type StoredTensor,
} from '../../../../model-assets/checkpoint/interface/stored-tensor.ts';
import { openSource, type SourceOptions } from '../../../../model-assets/checkpoint/source.ts';
import { createRandom } from '../../../../model-assets/synthesize/normal.ts';
import { temporaryFolder } from '../../../support/checkpoints.ts';
import { foreignPath } from '../../../support/foreign-golden.ts';

const BASE = foreignPath('base');

interface Samples {
  readonly shape: number[];
  readonly sum_of_squares: number;
  readonly values: number[];
}

const golden: Record<string, Record<string, Samples>> = JSON.parse(
  await readFile(foreignPath('adapters.json'), 'utf8'),
);

const readWhole = (tensor: StoredTensor) => tensor.read(0, elementsOf(tensor.shape));

/** The tensors of a SOURCE by their names without `transformer.`, and its config. */
async function open(path: string, options: SourceOptions = {}) {
  const source = await openSource(path, options);
  const { tensors } = await source.openWeights();
  const config = JSON.parse((await source.metadata.text('config.json')) ?? '');
  const byName = new Map(tensors.map((tensor) => [tensor.name.replace(/^transformer\./, ''), tensor]));
  return { byName, config, metadata: source.metadata, close: () => source.close() };
}

/** Opens the adapter of a golden, whose name may end in `untied`. */
function openGolden(name: string) {
  const [folder = '', untied] = name.split(' ');
  return open(foreignPath(`adapters/${folder}`), { base: BASE, untie: untied !== undefined });
}

test.for(Object.keys(golden))('%s: each tensor is the one that peft merges', async (name) => {
  const [base, merged] = [await open(BASE), await openGolden(name)];
  const expected = golden[name] ?? {};
  for (const [parameter, tensor] of merged.byName) {
    const values = await readWhole(tensor);
    const samples = expected[parameter];
    if (!samples) {
      // A head that the base does not have is the merged embedding, or that of the base if the adapter unties them.
      const { byName } = merged.config.tie_word_embeddings === false ? base : merged;
      const unchanged = base.byName.get(parameter) ?? byName.get('wte.weight');
      expect([parameter, [...values]]).toEqual([
        parameter,
        [...(await readWhole(unchanged as StoredTensor))],
      ]);
      continue;
    }
    expect([parameter, ...tensor.shape]).toEqual([parameter, ...samples.shape]);
    const step = Math.max(1, Math.floor(values.length / 13));
    for (const [i, value] of samples.values.entries()) {
      // Deltas are sums of few products of numbers near 1: float32 rounds each to 6e-8 of it.
      expect(Math.abs((values[i * step] as number) - value)).toBeLessThan(1e-6);
    }
    const sum = values.reduce((total, value) => total + value * value, 0);
    expect(Math.abs(sum / samples.sum_of_squares - 1)).toBeLessThan(1e-6);
  }
  expect([...merged.byName.keys()]).toEqual(expect.arrayContaining(Object.keys(expected)));
  await Promise.all([base.close(), merged.close()]);
});

test.for(['plain', 'dora', 'embedding', 'both-dora untied', 'both-dora', 'lora-bias', 'tokens'])(
  '%s: any part of a merged tensor is the same part of the whole',
  async (name) => {
    const { byName, close } = await openGolden(name);
    for (const parameter of Object.keys(golden[name] ?? {})) {
      const tensor = byName.get(parameter) as StoredTensor;
      const whole = await readWhole(tensor);
      const [first, count] = [whole.length >> 2, (whole.length >> 1) + 1];
      expect([...(await tensor.read(first, count))]).toEqual([...whole.subarray(first, first + count)]);
    }
    await close();
  },
);

test.for([
  ['plain', undefined],
  ['more-tokens', undefined],
  ['head', false],
  ['embedding', undefined],
  ['embedding untied', false],
] as const)('%s: tie_word_embeddings is %s in the config', async ([name, expected]) => {
  const { config, byName, close } = await openGolden(name);
  expect(config.tie_word_embeddings === false ? false : undefined).toBe(expected);
  if (expected === false) expect(byName.has('lm_head.weight')).toBe(true);
  await close();
});

test.for<[string, boolean]>([
  ['plain', true],
  ['more-tokens', true],
  ['tokens', true],
  ['head', false],
  ['embedding', true],
])('%s: the checkpoint has one matrix for both ends: %s', async ([name, expected]) => {
  const checkpoint = await openCheckpoint(foreignPath(`adapters/${name}`), { base: BASE });
  expect(checkpoint.config.tie_word_embeddings).toBe(expected);
  expect(checkpoint.parameters.has('lm_head.weight')).toBe(!expected);
  await checkpoint.close();
});

test('an adapter that was trained with more tokens gives the model its vocabulary', async () => {
  const { config, close } = await open(foreignPath('adapters/more-tokens'), { base: BASE });
  expect(config.vocab_size).toBe(266);
  await close();
});

test('the tokenizer is that of the adapter if it has one, else of its base', async () => {
  await using dir = await temporaryFolder();
  await cp(foreignPath('adapters/plain'), dir.path, { recursive: true });
  const first = await open(dir.path, { base: BASE });
  expect(first.metadata.origin('tokenizer.json')).toBe(join(BASE, 'tokenizer.json'));
  await first.close();
  await writeFile(join(dir.path, 'tokenizer.json'), '{}');
  const second = await open(dir.path, { base: BASE });
  expect(await second.metadata.text('tokenizer.json')).toBe('{}');
  expect(second.metadata.has('tokenizer_config.json')).toBe(false);
  expect(second.metadata.origin('config.json')).toBe(join(BASE, 'config.json'));
  await second.close();
});

/** Opens the adapter `plain` with some fields of its config edited. */
async function openWith(edit: Readonly<Record<string, unknown>>) {
  await using dir = await temporaryFolder();
  await cp(foreignPath('adapters/plain'), dir.path, { recursive: true });
  const path = join(dir.path, 'adapter_config.json');
  await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, 'utf8')), ...edit }));
  const { close } = await open(dir.path, { base: BASE });
  await close();
}

test.for<[Readonly<Record<string, unknown>>, string]>([
  [{ peft_type: 'IA3' }, 'adapter_config.json: peft_type "IA3" is not supported, expected "LORA"'],
  [{ peft_type: undefined }, 'adapter_config.json: peft_type undefined is not supported, expected "LORA"'],
  [
    { task_type: 'SEQ_CLS' },
    'adapter_config.json: task_type "SEQ_CLS" is not supported, expected "CAUSAL_LM"',
  ],
  [
    { init_lora_weights: 'pissa_niter_16' },
    'adapter_config.json: init_lora_weights "pissa_niter_16" is not supported: it changes the base. ' +
      'peft saves an adapter for the unchanged base with path_initial_model_for_weight_conversion',
  ],
  [
    { layer_replication: [[0, 1]], use_qalora: true },
    'adapter_config.json: layer_replication: [[0,1]] is not supported\n' +
      'adapter_config.json: use_qalora: true is not supported',
  ],
  [{ a_new_option: 1 }, 'adapter_config.json: a_new_option: 1 is not supported'],
  [
    { rank_pattern: Object.fromEntries(Array.from({ length: 501 }, (_, i) => [`h.${i}`, 4])) },
    'adapter_config.json: rank_pattern: more than 500 patterns',
  ],
  [{ r: 0 }, 'adapter_config.json: r: Too small: expected number to be >0'],
  [
    { alpha_pattern: { '(a+)+b': 3 } },
    'adapter_config.json: alpha_pattern: "(a+)+b" is not supported, expected the name of a module, or a regular ' +
      'expression with at most 2 repetitions, none of a group',
  ],
])('refuses %j', async ([edit, message]) => {
  await expect(openWith(edit)).rejects.toThrow(new CheckpointError(message));
});

test.for<[Readonly<Record<string, unknown>>, string]>([
  [
    { r: 5 },
    'transformer.h.0.attn.c_attn has matrices [4,32] and [96,4], expected [5, in] and [out, 5] of rank 5',
  ],
  [{ use_dora: true }, 'transformer.h.0.attn.c_attn has no magnitudes, but use_dora is true'],
])('names the modules that do not match %j', async ([edit, message]) => {
  await expect(openWith(edit)).rejects.toThrow(
    expect.objectContaining({
      name: 'CheckpointError',
      message: expect.stringContaining(`\n  ${message}\n`),
    }),
  );
});

test('an adapter of one end changes both where they are one matrix, with a warning, or its own with untie', async () => {
  const warnings = async (name: string, untie: boolean) => {
    const found: string[] = [];
    const onWarning = (warning: string) => found.push(warning);
    const options = { base: BASE, untie, onWarning };
    await (await openCheckpoint(foreignPath(`adapters/${name}`), options)).close();
    return found;
  };
  expect(await warnings('embedding', false)).toEqual([
    'the adapter changes embedding or lm_head, which are one matrix in the base: merged, it changes both, ' +
      "as with peft's merge_and_unload; with --untie each is what it is with the adapter beside its base",
  ]);
  expect(await warnings('embedding', true)).toEqual([]);
  expect(await warnings('head', false)).toEqual([]);
  await expect(warnings('plain', true)).rejects.toThrow(
    new CheckpointError(
      '--untie applies to adapters of embedding or lm_head: adapter_model.safetensors has none',
    ),
  );
  await expect(openSource(BASE, { untie: true })).rejects.toThrow(
    new CheckpointError(`--untie applies to LoRA adapters, and ${BASE} has no adapter_config.json`),
  );
});

test('an adapter needs its base, and a checkpoint has none', async () => {
  const adapter = foreignPath('adapters/plain');
  await expect(openSource(adapter)).rejects.toThrow(
    new CheckpointError(`${adapter} is a LoRA adapter: it needs its base, --base`),
  );
  await expect(openSource(BASE, { base: BASE })).rejects.toThrow(
    new CheckpointError(`--base applies to LoRA adapters, and ${BASE} has no adapter_config.json`),
  );
});

test('an adapter with any byte of its header changed is an error of the checkpoint, or an adapter', async () => {
  await using dir = await temporaryFolder();
  await cp(foreignPath('adapters/dora'), dir.path, { recursive: true });
  const path = join(dir.path, 'adapter_model.safetensors');
  const bytes = await readFile(path);
  const next = createRandom(9, 'adapter');
  let refused = 0;
  for (let i = 0; i < 300; i++) {
    const damaged = Buffer.from(bytes);
    damaged[next() % 2000] = next() % 256;
    await writeFile(path, i % 3 === 0 ? bytes.subarray(0, next() % bytes.length) : damaged);
    await openCheckpoint(dir.path, { base: BASE })
      .then((checkpoint) => checkpoint.close())
      .catch((error) => {
        refused++;
        expect(error).toBeInstanceOf(CheckpointError);
      });
  }
  expect(refused).toBeGreaterThan(200);
});
