/** @module The models in every peer's own format, made of the same checkpoint and kept in a cache. */
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ISOLATE_HEAP_BYTES } from '../../engine/model/plan.ts';
import { DEFAULT_CHECKPOINT, ensureModel } from '../../model-assets/ensure.ts';
import { type Manifest, manifestSchema, type Precision } from '../../model-assets/format/manifest.ts';
import { CACHE, CHECKPOINT, ensureCheckpoint, readUsualWeights, written } from '../models.ts';
import { buildWholeGraph } from '../usual-graph.ts';
import { BEAM_SEARCH_BORDER, beamSearchModel } from './beam-search-graph.ts';
import { EXPORT_BORDER } from './export-graph.ts';
import { writeGpt2Gguf } from './gpt2-gguf.ts';
import type { ModelName } from './protocol.ts';

export interface PeerModels {
  /** In Hugging Face format, for PyTorch. */
  readonly checkpoint: string;
  /** Ours, at the precision that was asked for. */
  readonly ours: string;
  /** What our heap may grow to: an isolate's maximum at int4, and room for GPT-2 at the others. */
  readonly heapBytes: number;
  /** The folder with the three below, which the local server serves. */
  readonly served: string;
}

/** The folder that transformers.js takes for a model, in {@link PeerModels.served}. */
export const TRANSFORMERS_FOLDER = 'transformers';
export const GGUF_FILE = 'model-q8_0.gguf';
export const BEAM_SEARCH_FILE = 'beam-search.onnx';

const HERE = import.meta.dirname;
const LARGE_HEAP_BYTES = 800 * 2 ** 20;

export async function ensurePeerModels(name: ModelName, precision: Precision): Promise<PeerModels> {
  if (name === 'gpt2') await ensureCheckpoint();
  const checkpoint = name === 'gpt2' ? CHECKPOINT : DEFAULT_CHECKPOINT;
  const folder = join(CACHE, 'peers', name);
  await mkdir(folder, { recursive: true });
  const ours = join(folder, `ours-${precision}`);
  const calibration = precision === 'int4' && ({ calibration: 'none' } as const);
  await ensureModel({ source: checkpoint, out: ours, precision, name, ...calibration });
  // The ONNX files of the peers are int8, whatever ours is.
  const int8 = join(folder, 'ours-int8');
  await ensureModel({ source: checkpoint, out: int8, precision: 'int8', name });
  const served = join(folder, 'served');
  if ((await written(join(served, GGUF_FILE))) < (await newestSource(int8))) {
    await rm(served, { recursive: true, force: true });
    await writeServed(checkpoint, int8, served);
  }
  const heapBytes = precision === 'int4' ? ISOLATE_HEAP_BYTES : LARGE_HEAP_BYTES;
  return { checkpoint, ours, heapBytes, served };
}

async function newestSource(int8: string): Promise<number> {
  const sources = ['beam-search-graph', 'export-graph', 'gguf', 'gpt2-gguf', 'models'];
  const paths = [
    ...sources.map((source) => join(HERE, `${source}.ts`)),
    join(HERE, '..', 'usual-graph.ts'),
    join(int8, 'manifest.json'),
  ];
  return Math.max(...(await Promise.all(paths.map(written))));
}

/** The GGUF comes last: when it is there, all are. */
async function writeServed(checkpoint: string, int8: string, served: string): Promise<void> {
  const manifest = manifestSchema.parse(JSON.parse(await readFile(join(int8, 'manifest.json'), 'utf8')));
  const { weights, embedding } = await readUsualWeights(int8, manifest);
  const graph = (border: typeof EXPORT_BORDER) => buildWholeGraph(manifest, border, weights, embedding);
  await writeTransformersFolder(checkpoint, join(served, TRANSFORMERS_FOLDER), graph(EXPORT_BORDER));
  await writeFile(
    join(served, BEAM_SEARCH_FILE),
    beamSearchModel(graph(BEAM_SEARCH_BORDER), endOf(manifest)),
  );
  await writeGpt2Gguf(checkpoint, join(served, GGUF_FILE));
}

const endOf = ({ config }: Manifest) => config.eos_token_ids[0] ?? config.vocab_size - 1;

async function writeTransformersFolder(checkpoint: string, folder: string, graph: Uint8Array): Promise<void> {
  await mkdir(join(folder, 'onnx'), { recursive: true });
  for (const file of ['config.json', 'generation_config.json']) {
    await copyFile(join(checkpoint, file), join(folder, file));
  }
  await writeFile(join(folder, 'onnx', 'model_quantized.onnx'), graph);
}
