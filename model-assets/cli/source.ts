/**
 * @module Resolves the source of `convert`: a local folder, or a model to download from the Hugging Face hub.
 */
import { stat } from 'node:fs/promises';
import { basename, extname, resolve } from 'node:path';
import { isAdapter, readAdapter } from '../checkpoint/adapter-source.ts';
import { CheckpointError } from '../checkpoint/interface/errors.ts';
import { checkFile } from '../checkpoint/source.ts';
import type { ConvertOptions } from '../convert/convert.ts';
import type { ModelConfig } from '../format/manifest.ts';
import { fetchCheckpoint } from '../hub/checkpoint.ts';
import { HubError, NoModelError, UnreachableError } from '../hub/errors.ts';
import { MODEL_ID } from '../hub/repository.ts';
import { createProgress } from './progress.ts';

type ResolvedSource = Required<Pick<ConvertOptions, 'source' | 'name'>> &
  Pick<ConvertOptions, 'hub' | 'base' | 'baseHub'>;

export interface SourceFlags {
  readonly revision?: string | undefined;
  /** The base of a LoRA adapter. Default: the model on the hub that the adapter names. */
  readonly base?: string | undefined;
  /** A folder with a tokenizer in place of the source's. */
  readonly tokenizer?: string | undefined;
  /** Called with the config of a model on the hub before its weights are downloaded. */
  readonly checkConfig?: ((config: ModelConfig, name: string) => void) | undefined;
}

type SourceOnlyFlags = Omit<SourceFlags, 'base'>;

/**
 * An existing folder or file takes precedence; any other `owner/name` or `name` is a model on the hub.
 *
 * @throws CheckpointError if `text` is neither; HubError if a download fails.
 */
export async function resolveSource(
  text: string,
  { base, ...flags }: SourceFlags,
  signal: AbortSignal,
): Promise<ResolvedSource> {
  const resolved = await resolveOne(text, flags, signal);
  if (!isAdapter(resolved.source)) {
    // convert() refuses a base of anything else.
    return { ...resolved, ...(base !== undefined && { base }) };
  }
  const { source, hub } = await resolveBase(resolved.source, base, flags, signal);
  return { ...resolved, base: source, ...(hub && { baseHub: hub }) };
}

/**
 * The source of `adapter`: a folder, or an adapter on the hub.
 *
 * @throws CheckpointError if it is something else; HubError if a download fails.
 */
export async function resolveAdapter(
  text: string,
  revision: string | undefined,
  signal: AbortSignal,
): Promise<ResolvedSource> {
  const noAdapter = () => {
    throw new CheckpointError(`${text} is not a LoRA adapter of peft: it has no adapter_config.json`);
  };
  // A model's weights are not downloaded to say so.
  const resolved = await resolveOne(text, { revision, checkConfig: noAdapter }, signal);
  return isAdapter(resolved.source) ? resolved : noAdapter();
}

/** @throws CheckpointError if the adapter is not supported, before its base is downloaded. */
async function resolveBase(
  adapter: string,
  given: string | undefined,
  flags: SourceOnlyFlags,
  signal: AbortSignal,
): Promise<ResolvedSource> {
  const { base_model_name_or_path: named, revision } = await readAdapter(adapter);
  if (given !== undefined) return resolveOne(given, { ...flags, revision: undefined }, signal);
  // Not a folder: the adapter may be a stranger's, and name any path of this machine.
  if (named && MODEL_ID.test(named))
    return download(named, { ...flags, revision: revision ?? undefined }, signal);
  throw new CheckpointError(
    `${adapter} is a LoRA adapter of ${named ? `${named}, which is no model id on the hub` : 'a base it does not name'}: ` +
      'give its base with --base',
  );
}

async function resolveOne(
  text: string,
  flags: SourceOnlyFlags,
  signal: AbortSignal,
): Promise<ResolvedSource> {
  const stats = await stat(text).catch(() => undefined);
  if (stats) {
    const isFolder = stats.isDirectory();
    if (!isFolder) checkFile(text);
    if (flags.revision === undefined) {
      const name = basename(resolve(text));
      return { source: text, name: isFolder ? name : basename(name, extname(name)) };
    }
    const kind = isFolder ? 'folder' : 'file';
    throw new CheckpointError(`--revision applies to models on the hub, and ${text} is a local ${kind}`);
  }
  if (!MODEL_ID.test(text)) {
    throw new CheckpointError(
      `${text} is neither a local folder nor a model id: expected OWNER/NAME, e.g. openai-community/gpt2`,
    );
  }
  try {
    return await download(text, flags, signal);
  } catch (error) {
    // The user may have meant a folder.
    const isUnknown = error instanceof NoModelError || error instanceof UnreachableError;
    throw isUnknown ? new HubError(`${text} is not a local folder. ${error.message}`) : error;
  }
}

async function download(
  id: string,
  { revision, tokenizer, checkConfig }: SourceOnlyFlags,
  signal: AbortSignal,
): Promise<ResolvedSource> {
  let progress = createProgress('download');
  const onNotice = (notice: string) => {
    // Clear the bar before printing the notice.
    progress.stop();
    progress = createProgress('download');
    process.stderr.write(`download: ${notice}\n`);
  };
  try {
    const checkpoint = await fetchCheckpoint({
      id,
      revision,
      tokenizer,
      signal,
      onNotice,
      checkConfig: checkConfig && ((config) => checkConfig(config, basename(id))),
      onProgress: (...step) => progress.onProgress(...step),
    });
    const { folder, ...hub } = checkpoint;
    return { source: folder, name: basename(id), hub };
  } finally {
    progress.stop();
    if (signal.aborted) process.stderr.write('download: stopped; run the command again to resume\n');
  }
}
