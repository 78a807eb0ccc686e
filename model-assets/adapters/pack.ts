/**
 * @module Packs a LoRA adapter of peft into a file beside a converted model, which lists it in its manifest: the Worker
 * adds what it changes while it runs, so that one model serves many adapters.
 */
import { createHash, randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AdapterConfig } from '../checkpoint/adapter/config.ts';
import { type LowRank, readFactors } from '../checkpoint/adapter/low-rank.ts';
import type { AdapterTensors } from '../checkpoint/adapter/tensors.ts';
import { openAdapterFile } from '../checkpoint/adapter-source.ts';
import { describeFile } from '../checkpoint/checkpoint.ts';
import { CheckpointError } from '../checkpoint/interface/errors.ts';
import {
  type AdapterDtype,
  MAX_RANK,
  packAdapter,
  shapeOf,
  TARGETS,
  type UnpackedChange,
} from '../format/adapter.ts';
import { findManifestFault } from '../format/check-manifest.ts';
import {
  ADAPTER_NAME,
  type AdapterEntry,
  MAX_ADAPTERS,
  type Manifest,
  type ModelFile,
  manifestSchema,
} from '../format/manifest.ts';
import { buildAdapterGraphs } from '../graphs/adapters.ts';

export interface PackOptions {
  /** The adapter's folder. */
  readonly source: string;
  /** The folder of a converted model, to which it is added; one of the same name is replaced. */
  readonly model: string;
  /** The adapter's id in the API. */
  readonly name: string;
  /** Of the packed weights. Default: float32 for a model in f32, else float16. */
  readonly dtype?: AdapterDtype | undefined;
  /** Origin of `source` on the Hugging Face hub, for the manifest. */
  readonly hub?: AdapterEntry['hub'];
}

/**
 * @returns the adapter's entry in the manifest, as written.
 * @throws CheckpointError for an adapter that is damaged, of another base, or that changes more than linear layers of the
 *   blocks by products of two matrices; and for a folder that is not a converted model.
 */
export async function addAdapter({
  source,
  model,
  name,
  hub,
  ...options
}: PackOptions): Promise<AdapterEntry> {
  const manifest = await readModel(model);
  checkName(name, manifest);
  const dtype = options.dtype ?? (manifest.precision === 'f32' ? 'float32' : 'float16');
  const { file, adapter, config, paths, close } = await openAdapterFile(source);
  try {
    checkSupported(file.name, adapter, config);
    const changes = await unpacked(file.name, adapter, manifest.config);
    const packed = pack(file.name, changes, manifest, dtype);
    const targets = TARGETS.filter((target) => changes.some((change) => change.target === target));
    const entry: AdapterEntry = {
      name,
      file: await writeFileOf(model, `adapter-${name}.bin`, packed),
      dtype,
      rank: Math.max(...changes.map(({ rank }) => rank)),
      targets,
      source: await Promise.all(paths.map((path) => describeFile(path))),
      ...(hub && { hub }),
    };
    const others = (manifest.adapters ?? []).filter((other) => other.name !== name);
    await writeManifest(model, {
      ...(await withAdapterGraphs(model, manifest)),
      adapters: [...others, entry],
    });
    return entry;
  } finally {
    await close();
  }
}

/** Removes an adapter from a model. @throws CheckpointError if it has none of this name */
export async function removeAdapter(model: string, name: string): Promise<void> {
  const manifest = await readModel(model);
  const { adapters = [], ...others } = manifest;
  const rest = adapters.filter((adapter) => adapter.name !== name);
  if (rest.length === adapters.length) {
    const known = adapters.map((adapter) => adapter.name).join(', ') || 'none';
    throw new CheckpointError(`${model} has no adapter ${name}; it has ${known}`);
  }
  await writeManifest(model, { ...others, ...(rest.length > 0 && { adapters: rest }) });
  await rm(join(model, `adapter-${name}.bin`), { force: true });
}

async function readModel(model: string): Promise<Manifest> {
  const text = await readFile(join(model, 'manifest.json'), 'utf8').catch(() => undefined);
  if (text === undefined)
    throw new CheckpointError(`${model} is not a converted model: it has no manifest.json`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new CheckpointError(`${model}: manifest.json: ${(error as Error).message}`);
  }
  const { data, error } = manifestSchema.safeParse(json);
  const [issue] = error?.issues ?? [];
  const fault = data ? findManifestFault(data) : `${issue?.path.join('.')}: ${issue?.message}`;
  if (data && fault === undefined) return data;
  throw new CheckpointError(`${model}: manifest.json: ${fault}. HINT: convert the model again`);
}

function checkName(name: string, { name: model, adapters = [] }: Manifest): void {
  if (!ADAPTER_NAME.test(name))
    throw new CheckpointError(
      `${JSON.stringify(name)} cannot be a name: expected up to 100 of A-Z a-z 0-9 _ . and -. HINT: --name NAME`,
    );
  if (name === model) throw new CheckpointError(`${name} is the name of the model itself. HINT: --name NAME`);
  const alike = adapters.find((other) => other.name.toLowerCase() === name.toLowerCase())?.name ?? name;
  if (alike !== name)
    throw new CheckpointError(
      `${name} differs from ${alike}, which the model has, in upper and lower case only, and some file systems take ` +
        'their files for one. HINT: --name NAME',
    );
  if (adapters.length >= MAX_ADAPTERS && !adapters.some((adapter) => adapter.name === name))
    throw new CheckpointError(`the model has ${adapters.length} adapters, and ${MAX_ADAPTERS} is the most`);
}

/** What only a merged model can have. */
function checkSupported(
  label: string,
  { lowRank, saved, rows }: AdapterTensors,
  config: AdapterConfig,
): void {
  const faults: string[] = [];
  const refuse = (field: string, what: string) => faults.push(`${field}: ${what}`);
  if (config.use_dora) refuse('use_dora', 'true is not supported');
  if (config.modules_to_save?.length) refuse('modules_to_save', `${config.modules_to_save} is not supported`);
  else if (saved.size > 0) {
    const names = [...saved.keys()];
    const field = names.every((name) => name.endsWith('.bias')) ? 'bias' : 'save_embedding_layers';
    refuse(field, `tensors in place of the base's are not supported: ${names}`);
  }
  if (rows.size > 0) refuse('trainable_token_indices', `rows of ${[...rows.keys()]} are not supported`);
  for (const [name, { bias, a }] of lowRank) {
    if (!targetOf(name)) refuse('target_modules', `${name} is not supported, only ${TARGETS.join(', ')} are`);
    if (bias) refuse('lora_bias', `the bias of ${name} is not supported`);
    const rank = a.shape[0] ?? 0;
    if (rank > MAX_RANK) refuse('r', `${name} has rank ${rank}, and ${MAX_RANK} is the most`);
  }
  if (faults.length === 0) return;
  const list = faults.map((fault) => `  ${fault}\n`).join('');
  throw new CheckpointError(
    `${label} cannot be used beside its base:\n${list}HINT: merge it into a model of its own, with convert`,
  );
}

const PARAMETER = new RegExp(
  `^h\\.(\\d+)\\.(${TARGETS.map((target) => target.replace('.', '\\.')).join('|')})\\.weight$`,
);

function targetOf(parameter: string): Pick<UnpackedChange, 'layer' | 'target'> | undefined {
  const [, layer, name] = PARAMETER.exec(parameter) ?? [];
  const target = TARGETS.find((known) => known === name);
  return target && { layer: Number(layer), target };
}

/** @throws CheckpointError for an adapter of another base. */
async function unpacked(
  label: string,
  { lowRank }: AdapterTensors,
  base: Manifest['config'],
): Promise<UnpackedChange[]> {
  const faults: string[] = [];
  const fitting: [Pick<UnpackedChange, 'layer' | 'target'>, LowRank][] = [];
  for (const [name, change] of lowRank) {
    const at = targetOf(name);
    if (!at) continue;
    const [inputs, outputs] = shapeOf(at.target, base);
    const [found, wanted] = [
      [change.a.shape[1], change.b.shape[0]],
      [inputs, outputs],
    ];
    if (at.layer >= base.n_layer) faults.push(`${name}: the base has ${base.n_layer} layers`);
    else if (String(found) !== String(wanted))
      faults.push(`${name} is [${wanted}] in the base, found an adapter for [${found}]`);
    else fitting.push([at, change]);
  }
  if (faults.length > 0)
    throw new CheckpointError(
      `${label} is for another base:\n${faults.map((fault) => `  ${fault}`).join('\n')}`,
    );
  if (fitting.length === 0) throw new CheckpointError(`${label} changes nothing`);
  const changes: UnpackedChange[] = [];
  for (const [at, change] of fitting) {
    const { rows, columns, rank, scaling } = await readFactors(change);
    changes.push({ ...at, rank, scale: scaling, a: rows, b: columns });
  }
  return changes;
}

function pack(
  label: string,
  changes: readonly UnpackedChange[],
  { config }: Manifest,
  dtype: AdapterDtype,
): Uint8Array<ArrayBuffer> {
  try {
    return packAdapter(config, dtype, changes);
  } catch (error) {
    throw error instanceof RangeError ? new CheckpointError(`${label}: ${error.message}`) : error;
  }
}

/** At f32 the model needs a graph for linear layers alone, where it has none. */
async function withAdapterGraphs(model: string, manifest: Manifest): Promise<Manifest> {
  if (manifest.precision !== 'f32' || 'linear' in manifest.graphs) return manifest;
  const files: Record<string, ModelFile> = {};
  for (const [name, bytes] of Object.entries(buildAdapterGraphs(manifest.config)))
    files[name] = await writeFileOf(model, `${name}.onnx`, bytes);
  return { ...manifest, graphs: files as Manifest['graphs'] };
}

async function writeManifest(model: string, manifest: Manifest): Promise<void> {
  const text = `${JSON.stringify(manifestSchema.parse(manifest), null, 2)}\n`;
  await writeWhole(join(model, 'manifest.json'), text);
}

async function writeFileOf(model: string, path: string, bytes: Uint8Array): Promise<ModelFile> {
  await writeWhole(join(model, path), bytes);
  return { path, bytes: bytes.byteLength, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** Who reads the file at the same time sees the old or the new one. */
async function writeWhole(path: string, content: Uint8Array | string): Promise<void> {
  const next = `${path}.${randomUUID()}`;
  try {
    await writeFile(next, content);
    await rename(next, path);
  } finally {
    await rm(next, { force: true });
  }
}
