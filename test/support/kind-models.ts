/** @module Makes small models with tokenizers that are not byte-level. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { convert } from '../../model-assets/convert/convert.ts';
import { isCurrent } from '../../model-assets/ensure.ts';
import { KINDS_FOLDER, writeKind } from '../golden/tokenizer-kinds.ts';
import { temporaryFolder, writeCheckpoint } from './checkpoints.ts';
import { KINDS, kindModel } from './models.ts';

/** The tokenizers' ids are below it. */
const VOCABULARY = 640;

/** Converts the models of `KINDS` that are missing or out of date. */
export async function ensureKindModels(): Promise<void> {
  for (const name of KINDS) {
    const out = kindModel(name);
    if (await isCurrent({ source: KINDS_FOLDER, out })) continue;
    await using dir = await temporaryFolder();
    await writeCheckpoint(dir.path, {
      vocab_size: VOCABULARY,
      n_positions: 64,
      config: { eos_token_id: null },
    });
    for (const file of ['vocab.json', 'merges.txt', 'tokenizer.json', 'tokenizer_config.json']) {
      await rm(join(dir.path, file), { force: true });
    }
    await writeKind(name, dir.path);
    await convert({ source: dir.path, out, precision: 'int8', name });
  }
}
