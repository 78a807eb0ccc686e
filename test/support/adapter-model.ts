/** @module The embedded model with LoRA adapters of random weights, which the HTTP tests name. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { convert } from '../../model-assets/convert/convert.ts';
import { DEFAULT_CHECKPOINT, isCurrent } from '../../model-assets/ensure.ts';
import type { Manifest } from '../../model-assets/format/manifest.ts';
import { temporaryFolder } from './checkpoints.ts';
import { addWritten, loraTensors, type WrittenAdapter } from './lora-golden.ts';
import { ADAPTERS_INT8 } from './models.ts';

const SHAPES = {
  'attn.c_attn': [256, 768],
  'attn.c_proj': [256, 256],
  'mlp.c_fc': [256, 1024],
  'mlp.c_proj': [1024, 256],
} as const;

/** An adapter of the embedded model's layers. @param alpha how much it changes */
function adapterOf(
  rank: number,
  targets: readonly (keyof typeof SHAPES)[],
  seed: number,
  alpha: number,
): WrittenAdapter {
  const layers = [0, 1, 2, 3, 4, 5].flatMap((layer) =>
    targets.map((target) => [`h.${layer}.${target}`, SHAPES[target]] as const),
  );
  const config = { r: rank, lora_alpha: alpha };
  return { config, tensors: loraTensors(rank, Object.fromEntries(layers)), seed };
}

/** By name. `wide` has 0.8 MB, the others less than 0.2. */
const ADAPTERS = {
  red: adapterOf(8, ['attn.c_attn'], 1, 4),
  green: adapterOf(4, ['attn.c_proj', 'mlp.c_fc'], 100, 4),
  blue: adapterOf(2, ['mlp.c_proj'], 200, 4),
  wide: adapterOf(16, ['attn.c_attn', 'attn.c_proj', 'mlp.c_fc', 'mlp.c_proj'], 300, 2),
};

/** Converts the model if it is missing or out of date. */
export async function ensureAdapterModel(): Promise<void> {
  const manifest = await readFile(join(ADAPTERS_INT8, 'manifest.json'), 'utf8').catch(() => '{}');
  const { adapters = [] } = JSON.parse(manifest) as Pick<Manifest, 'adapters'>;
  const isWhole = adapters.length === Object.keys(ADAPTERS).length;
  if (isWhole && (await isCurrent({ source: DEFAULT_CHECKPOINT, out: ADAPTERS_INT8 }))) return;
  await convert({ source: DEFAULT_CHECKPOINT, out: ADAPTERS_INT8, precision: 'int8', name: 'default' });
  await using dir = await temporaryFolder();
  for (const [name, adapter] of Object.entries(ADAPTERS)) {
    await addWritten(ADAPTERS_INT8, name, adapter, join(dir.path, name));
  }
}
