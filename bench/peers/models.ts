/** @module The models in each peer's own format, converted from the same checkpoint and cached. */
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ISOLATE_HEAP_BYTES } from '../../engine/model/plan.ts';
import { DEFAULT_CHECKPOINT, ensureModel } from '../../model-assets/ensure.ts';
import { type Manifest, manifestSchema, type Precision } from '../../model-assets/format/manifest.ts';
import { CACHE, CHECKPOINT, ensureCheckpoint, modifiedAt, readUsualWeights } from '../models.ts';
import { buildInlineGraph } from '../usual-graph.ts';
import { BEAM_SEARCH_INTERFACE, beamSearchModel } from './beam-search-graph.ts';
import { EXPORT_INTERFACE } from './export-graph.ts';
import { writeGpt2Gguf } from './gpt2-gguf.ts';
import { BEAM_SEARCH_FILE, EXPORT_FILE, GGUF_FILES, TRANSFORMERS_FOLDER } from './model-files.ts';
import type { ModelName } from './protocol.ts';

export interface PeerModels {
  /** Folder in Hugging Face format, for PyTorch. */
  readonly checkpoint: string;
  /** Folder of edgebeam's model at the requested precision. */
  readonly edgebeam: string;
  /** edgebeam's heap maximum: that of an isolate at int4, enough for GPT-2 at other precisions. */
  readonly heapBytes: number;
  /**
   * The folder of the local server, with the files of `model-files.ts`.
   */
  readonly served: string;
}

const HERE = import.meta.dirname;
const LARGE_HEAP_BYTES = 800 * 2 ** 20;

export async function ensurePeerModels(name: ModelName, precision: Precision): Promise<PeerModels> {
  if (name === 'gpt2') await ensureCheckpoint();
  const checkpoint = name === 'gpt2' ? CHECKPOINT : DEFAULT_CHECKPOINT;
  const folder = join(CACHE, 'peers', name);
  await mkdir(folder, { recursive: true });
  const edgebeam = join(folder, `ours-${precision}`);
  const calibration = precision === 'int4' && ({ calibration: 'none' } as const);
  await ensureModel({ source: checkpoint, out: edgebeam, precision, name, ...calibration });
  // The peers' ONNX files are int8 for every precision of edgebeam.
  const int8 = join(folder, 'ours-int8');
  await ensureModel({ source: checkpoint, out: int8, precision: 'int8', name });
  const served = join(folder, 'served');
  if ((await modifiedAt(join(served, GGUF_FILES.Q8_0))) < (await newestSource(int8))) {
    await rm(served, { recursive: true, force: true });
    await writeServed(checkpoint, int8, served);
  }
  const heapBytes = precision === 'int4' ? ISOLATE_HEAP_BYTES : LARGE_HEAP_BYTES;
  return { checkpoint, edgebeam, heapBytes, served };
}

async function newestSource(int8: string): Promise<number> {
  const sources = ['beam-search-graph', 'export-graph', 'gguf', 'gpt2-gguf', 'model-files', 'models'];
  const paths = [
    ...sources.map((source) => join(HERE, `${source}.ts`)),
    join(HERE, '..', 'usual-graph.ts'),
    join(int8, 'manifest.json'),
  ];
  return Math.max(...(await Promise.all(paths.map(modifiedAt))));
}

/** Writes the GGUF at Q8_0 last: if it exists, all files do. */
async function writeServed(checkpoint: string, int8: string, served: string): Promise<void> {
  const manifest = manifestSchema.parse(JSON.parse(await readFile(join(int8, 'manifest.json'), 'utf8')));
  const { weights, embedding } = await readUsualWeights(int8, manifest);
  const graph = (graphInterface: typeof EXPORT_INTERFACE) =>
    buildInlineGraph(manifest, graphInterface, weights, embedding);
  await writeTransformersFolder(checkpoint, served, graph(EXPORT_INTERFACE));
  await writeFile(
    join(served, BEAM_SEARCH_FILE),
    beamSearchModel(graph(BEAM_SEARCH_INTERFACE), eosTokenId(manifest)),
  );
  await writeGpt2Gguf(checkpoint, 'Q4_0', join(served, GGUF_FILES.Q4_0));
  await writeGpt2Gguf(checkpoint, 'Q8_0', join(served, GGUF_FILES.Q8_0));
}

const eosTokenId = ({ config }: Manifest) => config.eos_token_ids[0] ?? config.vocab_size - 1;

async function writeTransformersFolder(checkpoint: string, served: string, graph: Uint8Array): Promise<void> {
  await mkdir(dirname(join(served, EXPORT_FILE)), { recursive: true });
  for (const file of ['config.json', 'generation_config.json']) {
    await copyFile(join(checkpoint, file), join(served, TRANSFORMERS_FOLDER, file));
  }
  await writeFile(join(served, EXPORT_FILE), graph);
}
