/** @module What is around a GPT-2 in a checkpoint: prefixes of training, and heads that generation does not need. */
import { expect, test } from 'vitest';
import { type OpenOptions, openCheckpoint } from '../../../../model-assets/checkpoint/checkpoint.ts';
import { CheckpointError } from '../../../../model-assets/checkpoint/interface/errors.ts';
import {
  type CheckpointOptions,
  type TestTensor,
  temporaryFolder,
  writeCheckpoint,
} from '../../../support/checkpoints.ts';

/** @returns the names of the parameters, and the warnings. */
async function open(options: CheckpointOptions, openOptions: OpenOptions = {}) {
  await using dir = await temporaryFolder();
  await writeCheckpoint(dir.path, options);
  const warnings: string[] = [];
  const checkpoint = await openCheckpoint(dir.path, {
    ...openOptions,
    onWarning: (line) => warnings.push(line),
  });
  await checkpoint.close();
  return { names: [...checkpoint.parameters.keys()].sort(), warnings };
}

const head = (...shape: number[]): TestTensor => ({
  dtype: 'F32',
  shape,
  data: new Float32Array(shape.reduce((product, size) => product * size, 1)),
});

const rename = (prefix: string) => (tensors: Map<string, TestTensor>) => {
  for (const [name, tensor] of [...tensors]) {
    tensors.delete(name);
    tensors.set(prefix + name, tensor);
  }
};

test.for([
  ...['module.', '_orig_mod.', 'model.', 'gpt2.', 'net.', '_fsdp_wrapped_module.'],
  ...['module._orig_mod.transformer.', 'model.transformer.', 'net._fsdp_wrapped_module.transformer.'],
])('the prefix %s is left away', async (prefix) => {
  const { names, warnings } = await open({ edit: rename(prefix), masks: true, lmHead: true });
  expect(names).toEqual((await open({})).names);
  expect(warnings).toEqual([]);
});

test('what wraps single modules is left away', async () => {
  const edit = (tensors: Map<string, TestTensor>) => {
    for (const [name, tensor] of [...tensors]) {
      tensors.delete(name);
      const wrapped = name
        .replace(/(h\.\d+\.)/, '$1_fsdp_wrapped_module._checkpoint_wrapped_module.')
        .replace('attn.', 'attn._fsdp_wrapped_module.');
      tensors.set(wrapped, tensor);
    }
  };
  const { names, warnings } = await open({ edit, masks: true, lmHead: true });
  expect(names).toEqual((await open({})).names);
  expect(warnings).toEqual([]);
});

test('a parameter under two prefixes is refused', async () => {
  const edit = (tensors: Map<string, TestTensor>) => tensors.set('module.ln_f.bias', head(32));
  await expect(open({ edit })).rejects.toThrow(
    'ln_f.bias is stored twice, as ln_f.bias and as module.ln_f.bias',
  );
});

test('heads are left out with a line', async () => {
  const edit = (tensors: Map<string, TestTensor>) => {
    tensors.set('v_head.summary.weight', head(1, 32));
    tensors.set('multiple_choice_head.summary.bias', head(1));
    tensors.set('transformer.h.0.attn.masked_bias', head());
  };
  const { names, warnings } = await open({ edit });
  expect(names).toEqual((await open({})).names);
  expect(warnings).toEqual([
    'model.safetensors has tensors that generation does not need, and they are left out: ' +
      'v_head.summary.weight, multiple_choice_head.summary.bias',
  ]);
});

const CROSS_ATTENTION = ['h.0.crossattention.q_attn.weight', 'transformer.h.1.ln_cross_attn.bias'];

test('the attention to an encoder is left out with a line', async () => {
  const edit = (tensors: Map<string, TestTensor>) => {
    for (const name of CROSS_ATTENTION) tensors.set(name, head(32));
  };
  const { names, warnings } = await open({ edit });
  expect(names).toEqual((await open({})).names);
  expect(warnings).toEqual([
    `model.safetensors has tensors that generation does not need, and they are left out: ${CROSS_ATTENTION.join(', ')}`,
  ]);
});

test.for(['h.0.crossattention_2.weight', 'h.0.ln_3.weight', 'ln_f.crossattention.weight'])(
  '%s is no part of a GPT-2, and refused',
  async (name) => {
    await expect(open({ edit: (tensors) => tensors.set(name, head(32)) })).rejects.toThrow(
      `${name} is unknown, found [32]`,
    );
  },
);

test('many that are left out are counted', async () => {
  const edit = (tensors: Map<string, TestTensor>) => {
    for (let i = 0; i < 10; i++) tensors.set(`head.${i}`, head(1));
  };
  const { warnings } = await open({ edit });
  expect(warnings[0]).toMatch(/left out: head\.0, head\.1, .+, head\.7 and 2 more$/);
});

const SCORE = (tensors: Map<string, TestTensor>) => tensors.set('score.weight', head(2, 32));
const CLASSIFIER = { architectures: ['GPT2ForSequenceClassification'] };
const REFUSED =
  'which was not trained to generate. HINT: --tied-head converts it with its embedding as lm_head, ' +
  'as AutoModelForCausalLM loads it';

test.for<[string, CheckpointOptions, string]>([
  ['by its architecture', { config: CLASSIFIER }, 'GPT2ForSequenceClassification'],
  ['by its head', { edit: SCORE, config: { architectures: undefined } }, 'score.weight'],
  ['by its architecture and head', { edit: SCORE, config: CLASSIFIER }, 'GPT2ForSequenceClassification'],
])('a classifier, known %s, is converted on request only', async ([, options, named]) => {
  await expect(open(options)).rejects.toThrow(
    new CheckpointError(
      `model.safetensors has no lm_head.weight, and is a classifier (${named}), ${REFUSED}`,
    ),
  );
  expect((await open(options, { tiedHead: true })).names).toEqual((await open({})).names);
});

test('a language model with a classifier beside its head is one', async () => {
  const { warnings } = await open({ edit: SCORE, lmHead: true, config: CLASSIFIER });
  expect(warnings).toHaveLength(1);
  await expect(open({ lmHead: true }, { tiedHead: true })).rejects.toThrow(
    new CheckpointError('model.safetensors has lm_head.weight, and --tied-head is for a checkpoint without'),
  );
});
