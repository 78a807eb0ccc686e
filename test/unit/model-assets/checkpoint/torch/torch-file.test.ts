import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CheckpointError } from '../../../../../model-assets/checkpoint/interface/errors.ts';
import { openTorch } from '../../../../../model-assets/checkpoint/torch/torch-file.ts';
import { temporaryFolder } from '../../../../support/checkpoints.ts';
import { expectedTensors, readTorch, torchFile } from '../../../../support/torch-files.ts';

describe('reads a state dict', () => {
  test.for([
    ...[1, 2, 3, 4, 5].map((protocol) => `zip-protocol-${protocol}`),
    ...[1, 2, 4].map((protocol) => `legacy-protocol-${protocol}`),
    ...['zip-f16', 'legacy-f16', 'zip-bf16', 'legacy-bf16', 'zip-big-endian'],
    'zip-without-checksums',
    ...['parameters', 'parameters-with-attributes', 'tensors-with-attributes'],
  ])('of %s.bin', async (name) => {
    expect((await readTorch(torchFile(`${name}.bin`))).tensors).toEqual(expectedTensors());
  });

  test.for([
    ['training-protocol-2', 'module.'],
    ['training-protocol-4', 'module.'],
    ['training-lightning', 'model.gpt2.'],
    ['training-compiled', '_orig_mod.module.transformer.'],
    ['training-nested', ''],
  ])('among the objects of a training script: %s.bin', async ([name, prefix]) => {
    expect((await readTorch(torchFile(`${name}.bin`))).tensors).toEqual(expectedTensors(prefix));
  });

  test('of each storage type', async () => {
    const { dtypes } = await readTorch(torchFile('zip-bf16.bin'));
    expect(dtypes).toEqual(['BF16']);
    const { tensors, others } = await readTorch(torchFile('buffers.bin'));
    expect(tensors.slice(0, 4)).toEqual(expectedTensors());
    expect(tensors.slice(4)).toEqual([{ name: 'h.0.attn.masked_bias', shape: [], values: [-1e4] }]);
    expect(others).toEqual([
      'h.0.attn.bias BOOL [1,1,5,5]',
      'position_ids I64 [5]',
      'u8 U8 [3]',
      'i32 I32 [3]',
      'u16 U16 [3]',
      'f8 F8_E4M3 [3]',
      'complex C64 [3]',
    ]);
  });
});

test.for(['zip-strided', 'legacy-strided'])(
  'reads strided tensors, and views of one storage: %s.bin',
  async (name) => {
    const { tensors } = await readTorch(torchFile(`${name}.bin`));
    expect(tensors.slice(0, 4)).toEqual(expectedTensors());
    expect(tensors.slice(4)).toEqual([
      { name: 'expanded', shape: [2, 3], values: [7, 7, 7, 7, 7, 7] },
      { name: 'scalar', shape: [], values: [2.5] },
      { name: 'empty', shape: [0, 4], values: [] },
    ]);
  },
);

test('reads a part of a strided tensor', async () => {
  const [, , , expected] = expectedTensors();
  const file = await openTorch(torchFile('zip-strided.bin'));
  const values = await file.tensors[3]?.read(7, 20);
  expect([...(values ?? [])]).toEqual(expected?.values.slice(7, 27));
  await file.close();
});

const REFUSED = 'which is not part of a state dict: the file is refused, and nothing of it is executed';

describe('refuses by name', () => {
  test.for([
    ['attack-first-1', `refers to posix.system (os.system), ${REFUSED}`],
    ['attack-first-2', `refers to posix.system (os.system), ${REFUSED}`],
    ['attack-first-4', `refers to posix.system (os.system), ${REFUSED}`],
    ['attack-legacy', `refers to posix.system (os.system), ${REFUSED}`],
    ['attack-last', `refers to __builtin__.eval, ${REFUSED}`],
    ['attack-exec', `refers to __builtin__.exec, ${REFUSED}`],
    ['attack-plain', `refers to os.system, ${REFUSED}`],
    ['attack-instance', `refers to os.system, ${REFUSED}`],
    [
      'module',
      `refers to torch.nn.modules.linear.Linear, ${REFUSED}. HINT: a state dict has no such names: ` +
        'torch.save(model.state_dict(), …), or model.save_pretrained(…)',
    ],
    ['script', 'is a TorchScript archive: save the state dict with torch.save instead of torch.jit.save'],
    [
      'training-two',
      'has weights in model and in state_dict: save the one to convert as a file of its own, with torch.save',
    ],
    [
      'training-nested-two',
      'has weights in model.state_dict and in state_dict: save the one to convert as a file of its own, with torch.save',
    ],
    [
      'training-empty',
      'has no state dict: it is an empty dict; expected names of tensors, or one of model, state_dict, ' +
        'model_state_dict, model_state, module',
    ],
    [
      'training-none',
      'has no state dict: its keys are epoch, optimizer; expected names of tensors, or one of model, state_dict, ' +
        'model_state_dict, model_state, module',
    ],
  ])('%s.bin', async ([name, message]) => {
    await expect(openTorch(torchFile(`${name}.bin`))).rejects.toThrow(
      new CheckpointError(`${name}.bin ${message}`),
    );
    expect(existsSync(torchFile('executed'))).toBe(false);
  });

  test.for<[string, string | Uint8Array, string]>([
    ['an empty file', '', 'is empty'],
    ['a text', 'hello', 'is not a file of torch.save: it is neither a zip archive nor a pickle'],
    [
      'a Git LFS pointer',
      'version https://git-lfs.github.com/spec/v1\n',
      'is a Git LFS pointer, not the weights: run "git lfs pull" in its repository',
    ],
    [
      'a tar archive',
      Buffer.concat([Buffer.from('storages'.padEnd(257, '\0')), Buffer.from('ustar'.padEnd(255))]),
      'is a tar archive of torch before 0.1.10: load it with an old torch and save it again',
    ],
    [
      'a pickle of something else',
      '\x80\x02K\x05.',
      'is a pickle of the number 5, expected the magic number of torch.save',
    ],
  ])('%s', async ([, content, message]) => {
    await using dir = await temporaryFolder();
    const path = join(dir.path, 'pytorch_model.bin');
    await writeFile(path, content, 'latin1');
    await expect(openTorch(path)).rejects.toThrow(new CheckpointError(`pytorch_model.bin ${message}`));
  });

  test.for([
    ['zip-protocol-2', (bytes: Buffer) => bytes.subarray(0, -40), /is truncated/],
    ['zip-protocol-2', (bytes: Buffer) => bytes.subarray(0, 1000), /is truncated/],
    [
      'legacy-protocol-2',
      (bytes: Buffer) => bytes.subarray(0, -1),
      /is truncated: expected 1099 bytes, found 1098/,
    ],
    ['legacy-protocol-2', (bytes: Buffer) => bytes.subarray(0, 300), /ends at byte 300, within a value/],
  ] as const)('a truncated file: %s.bin', async ([name, cut, message]) => {
    await using dir = await temporaryFolder();
    const path = join(dir.path, 'pytorch_model.bin');
    await writeFile(path, cut(await readFile(torchFile(`${name}.bin`))));
    const opening = openTorch(path);
    await expect(opening).rejects.toThrow(CheckpointError);
    await expect(opening).rejects.toThrow(message);
  });

  test('damaged weights, by their checksum', async () => {
    await using dir = await temporaryFolder();
    const path = join(dir.path, 'pytorch_model.bin');
    const bytes = await readFile(torchFile('zip-protocol-2.bin'));
    const value = Buffer.from(Float32Array.of(-15.5, -15.125).buffer);
    const at = bytes.indexOf(value);
    bytes[at] = 1;
    await writeFile(path, bytes);
    const message =
      /^pytorch_model\.bin is damaged: zip-protocol-2\/data\/0 has CRC-32 [0-9a-f]{8}, expected [0-9a-f]{8}$/;
    await expect(readTorch(path)).rejects.toThrow(message);
    await expect(readTorch(path)).rejects.toThrow(CheckpointError);
  });
});
