/** @module What a conversion keeps of generation_config.json. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { folderMetadata } from '../../../../model-assets/checkpoint/interface/metadata.ts';
import { convert } from '../../../../model-assets/convert/convert.ts';
import { readGenerationConfig } from '../../../../model-assets/convert/generation-config.ts';
import type { ModelConfig } from '../../../../model-assets/format/manifest.ts';
import { temporaryFolder, writeCheckpoint } from '../../../support/checkpoints.ts';

async function read(json?: object, configJson?: object) {
  await using dir = await temporaryFolder();
  if (json) await writeFile(join(dir.path, 'generation_config.json'), JSON.stringify(json));
  if (configJson) await writeFile(join(dir.path, 'config.json'), JSON.stringify(configJson));
  const warnings: string[] = [];
  const config = { vocab_size: 300 } as ModelConfig;
  const kept = await readGenerationConfig(folderMetadata(dir.path), config, (text) => warnings.push(text));
  return { kept, warnings };
}

it('is nothing without the file, and for fields that are not decoding options or change nothing', async () => {
  const nothing = { kept: undefined, warnings: [] };
  expect(await read()).toEqual(nothing);
  const fields = { bos_token_id: 1, eos_token_id: [1], pad_token_id: 0, transformers_version: '5.18.0' };
  const neutral = { num_beam_groups: 1, diversity_penalty: 0, num_return_sequences: 1, temperature: null };
  expect(await read({ ...fields, ...neutral, _from_model_config: true, use_cache: true })).toEqual(nothing);
});

it('drops unknown fields and values out of range, each with a warning that names it', async () => {
  const fields = { do_sample: true, top_k: -1, temperature: 0, max_length: 50, num_beam_groups: 2, magic: 1 };
  expect(await read(fields)).toEqual({
    kept: { do_sample: true, top_k: -1 },
    warnings: [
      "generation_config.json: 'temperature' must be at least 0.00001, not 0: it is dropped",
      "generation_config.json: 'max_length' is not used: it is dropped",
      "generation_config.json: 'num_beam_groups' is not used: it is dropped",
      "generation_config.json: 'magic' is not used: it is dropped",
    ],
  });
});

it('is in config.json if there is no such file, as in old checkpoints', async () => {
  const old = {
    n_embd: 8,
    max_length: 50,
    task_specific_params: {},
    top_k: 50,
    temperature: 1,
    do_sample: true,
  };
  expect(await read(undefined, { ...old, repetition_penalty: 1.2 })).toEqual({
    kept: { do_sample: true, repetition_penalty: 1.2 },
    warnings: [],
  });
  expect(await read(undefined, { top_p: 3 })).toEqual({
    kept: undefined,
    warnings: ["config.json: 'top_p' must be at most 1, not 3: it is dropped"],
  });
  expect(await read({ top_k: 5 }, old)).toEqual({ kept: { top_k: 5 }, warnings: [] });
});

it('is in the manifest', async () => {
  await using dir = await temporaryFolder();
  await writeCheckpoint(dir.path, { generationConfig: { repetition_penalty: 1.2, magic: 1 } });
  const warnings: string[] = [];
  const out = join(dir.path, 'model');
  await convert({ source: dir.path, out, precision: 'int8', onWarning: (text) => warnings.push(text) });
  const manifest = JSON.parse(await readFile(join(out, 'manifest.json'), 'utf8'));
  expect(manifest.generation_config).toEqual({ repetition_penalty: 1.2 });
  expect(warnings).toEqual(["generation_config.json: 'magic' is not used: it is dropped"]);
});
