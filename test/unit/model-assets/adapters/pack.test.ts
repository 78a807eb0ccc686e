/** @module Adapters beside a model: what is packed, and what is refused and why. */
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readManifest } from '../../../../engine/model/model-source.ts';
import { folderSource } from '../../../../engine/node/load-engine.ts';
import { addAdapter, removeAdapter } from '../../../../model-assets/adapters/pack.ts';
import { CheckpointError } from '../../../../model-assets/checkpoint/interface/errors.ts';
import { readAdapter } from '../../../../model-assets/format/adapter.ts';
import { findAssetFaults } from '../../../../worker/dev/assets.ts';
import { temporaryFolder } from '../../../support/checkpoints.ts';
import { foreignPath } from '../../../support/foreign-golden.ts';
import { loraTensors, type WrittenAdapter, writeAdapter } from '../../../support/lora-golden.ts';
import { ODD_F32, ODD_INT8 } from '../../../support/models.ts';

const C_ATTN = { 'h.0.attn.c_attn': [60, 180] } as const;
const SMALL: WrittenAdapter = { config: { r: 4 }, tensors: loraTensors(4, C_ATTN), seed: 1 };

async function withModel(
  run: (model: string, dir: string) => Promise<void>,
  original = ODD_INT8,
): Promise<void> {
  await using dir = await temporaryFolder();
  const model = join(dir.path, 'model');
  await cp(original, model, { recursive: true });
  await run(model, dir.path);
}

/** The message of a refusal. */
async function refusalOf(adapter: WrittenAdapter, name = 'one'): Promise<string> {
  let message = '';
  await withModel(async (model, dir) => {
    const source = join(dir, 'adapter');
    await writeAdapter(source, adapter);
    const before = await readFile(join(model, 'manifest.json'), 'utf8');
    const error = await addAdapter({ source, model, name }).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(CheckpointError);
    message = (error as Error).message;
    expect(await readFile(join(model, 'manifest.json'), 'utf8')).toBe(before);
  });
  return message;
}

describe('an adapter', () => {
  it('is a file beside the model, and an entry in its manifest, which it replaces and leaves again', () =>
    withModel(async (model, dir) => {
      const source = join(dir, 'adapter');
      await writeAdapter(source, SMALL);
      const entry = await addAdapter({ source, model, name: 'one' });
      expect(entry).toMatchObject({ name: 'one', dtype: 'float16', rank: 4, targets: ['attn.c_attn'] });
      await addAdapter({ source, model, name: 'two', dtype: 'float32' });
      await addAdapter({ source, model, name: 'one' });
      const manifest = await readManifest(folderSource(model));
      expect(manifest.adapters?.map(({ name, dtype }) => [name, dtype])).toEqual([
        ['two', 'float32'],
        ['one', 'float16'],
      ]);
      expect(manifest.adapters?.[1]).toEqual(entry);
      expect(await findAssetFaults(model)).toEqual([]);
      await removeAdapter(model, 'two');
      await expect(removeAdapter(model, 'two')).rejects.toThrow('has no adapter two; it has one');
      await removeAdapter(model, 'one');
      expect(await readFile(join(model, 'manifest.json'), 'utf8')).toBe(
        await readFile(join(ODD_INT8, 'manifest.json'), 'utf8'),
      );
      expect((await readdir(model)).sort()).toEqual((await readdir(ODD_INT8)).sort());
    }));

  it('makes an f32 model one whose linear layers run alone', () =>
    withModel(async (model, dir) => {
      const source = join(dir, 'adapter');
      await writeAdapter(source, SMALL);
      expect(await addAdapter({ source, model, name: 'one' })).toMatchObject({ dtype: 'float32' });
      const { graphs } = await readManifest(folderSource(model));
      expect(Object.keys(graphs)).toEqual(['embed', 'norm', 'linear', 'residual_norm', 'activation', 'head']);
    }, ODD_F32));

  it('is missed by a deployment without its file', () =>
    withModel(async (model, dir) => {
      const source = join(dir, 'adapter');
      await writeAdapter(source, SMALL);
      const { file } = await addAdapter({ source, model, name: 'one' });
      await writeFile(join(model, file.path), 'short');
      expect(await findAssetFaults(model)).toEqual([
        `adapter-one.bin has 5 bytes, but ${file.bytes} in manifest.json`,
      ]);
    }));
});

describe('what cannot be used beside its base is refused by name', () => {
  it.each(['', 'a/b', 'ä', 'x'.repeat(101)])('the name %j', async (name) => {
    expect(await refusalOf(SMALL, name)).toContain('cannot be a name: expected up to 100 of');
  });

  it("the model's own name", async () => {
    expect(await refusalOf(SMALL, 'odd-checkpoint')).toContain('is the name of the model itself');
  });

  it('a name that differs from another one in case only', () =>
    withModel(async (model, dir) => {
      await writeAdapter(join(dir, 'adapter'), SMALL);
      const add = (name: string) => addAdapter({ source: join(dir, 'adapter'), model, name });
      await add('Poet');
      await expect(add('poet')).rejects.toThrow(
        'poet differs from Poet, which the model has, in upper and lower',
      );
      await add('Poet');
    }));

  it.each([
    ['dora', 'use_dora: true is not supported'],
    ['biases', "bias: tensors in place of the base's are not supported: h.0.attn.c_attn.bias"],
    ['lora-bias', 'lora_bias: the bias of h.0.attn.c_proj.weight is not supported'],
    ['tokens', 'trainable_token_indices: rows of wte.weight are not supported'],
    ['norms', 'modules_to_save: ln_f,wpe is not supported'],
    ['head', 'modules_to_save: lm_head is not supported'],
    ['embedding', 'target_modules: wte.weight is not supported, only attn.c_attn, attn.c_proj'],
    [
      'more-tokens',
      "save_embedding_layers: tensors in place of the base's are not supported: lm_head.weight,wte.weight",
    ],
  ])('peft’s %s', async (name, fault) => {
    await withModel(async (model) => {
      const adding = addAdapter({ source: foreignPath(`adapters/${name}`), model, name });
      await expect(adding).rejects.toThrow(fault);
      await expect(adding).rejects.toThrow('merge it into a model of its own');
    });
  });

  it('a rank above 64', async () => {
    const adapter = { config: { r: 65 }, tensors: loraTensors(65, C_ATTN), seed: 1 };
    expect(await refusalOf(adapter)).toContain('h.0.attn.c_attn.weight has rank 65, and 64 is the most');
  });

  it.each([
    [
      { 'h.0.attn.c_attn': [64, 192] },
      'h.0.attn.c_attn.weight is [60,180] in the base, found an adapter for [64,192]',
    ],
    [{ 'h.3.mlp.c_fc': [60, 100] }, 'h.3.mlp.c_fc.weight: the base has 3 layers'],
    [{ 'h.0.mlp.c_proj': [240, 60] }, 'h.0.mlp.c_proj.weight is [100,60] in the base'],
  ] as const)('an adapter of another base: %j', async (shapes, fault) => {
    const message = await refusalOf({ config: { r: 4 }, tensors: loraTensors(4, shapes), seed: 1 });
    expect(message).toContain('is for another base');
    expect(message).toContain(fault);
  });

  it.each([
    [{ r: 8 }, 'of rank 8'],
    [{ r: 4, peft_type: 'IA3' }, 'peft_type "IA3" is not supported'],
    [{ r: 4, use_qalora: true }, 'use_qalora: true is not supported'],
    [{ r: 4, init_lora_weights: 'pissa' }, 'init_lora_weights "pissa" is not supported'],
  ])('a config of %j', async (config, fault) => {
    expect(await refusalOf({ ...SMALL, config })).toContain(fault);
  });

  it('a folder that is no model', async () => {
    await using dir = await temporaryFolder();
    await writeAdapter(join(dir.path, 'adapter'), SMALL);
    const adding = addAdapter({ source: join(dir.path, 'adapter'), model: dir.path, name: 'one' });
    await expect(adding).rejects.toThrow('is not a converted model: it has no manifest.json');
  });
});

describe('a packed file', () => {
  const base = { n_layer: 3, n_embd: 60, n_inner: 100 };
  async function packedFile(): Promise<Uint8Array> {
    let bytes = new Uint8Array();
    await withModel(async (model, dir) => {
      await writeAdapter(join(dir, 'adapter'), SMALL);
      const { file } = await addAdapter({ source: join(dir, 'adapter'), model, name: 'one' });
      bytes = new Uint8Array(await readFile(join(model, file.path)));
    });
    return bytes;
  }

  it('is read whole and of its base only', async () => {
    const file = await packedFile();
    expect(readAdapter(file, base)).toMatchObject({ dtype: 'float16' });
    expect(readAdapter(file, { ...base, n_embd: 64 })).toBe('its base has n_embd 60, and this model has 64');
    expect(readAdapter(file, { ...base, n_layer: 2 })).toBe('its base has n_layer 3, and this model has 2');
    expect(readAdapter(file.slice(0, 20), base)).toBe('it is not a packed adapter of this version');
    expect(readAdapter(file.slice(0, 50), base)).toBe('it ends at byte 50, within its header');
    expect(readAdapter(file.slice(0, -64), base)).toMatch(/^h\.0\.attn\.c_attn has a matrix of 1472 bytes/);
    const changed = (offset: number, value: number) => {
      const copy = file.slice();
      new DataView(copy.buffer).setUint32(offset, value, true);
      return readAdapter(copy, base);
    };
    expect(changed(0, 0)).toBe('it is not a packed adapter of this version');
    expect(changed(20, 3)).toBe('its weights have 3 bytes, expected 2 or 4');
    expect(changed(32, 65)).toBe('h.0.attn.c_attn has rank 65, more than 64');
    expect(changed(36, 0x7f800000)).toBe('h.0.attn.c_attn has the scale Infinity');
    expect(changed(40, 8)).toMatch(/^h\.0\.attn\.c_attn has a matrix of \d+ bytes at byte 8 of/);
    expect(changed(44, 0xffffffc0)).toMatch(
      /^h\.0\.attn\.c_attn has a matrix of \d+ bytes at byte 4294967232/,
    );
  });
});
