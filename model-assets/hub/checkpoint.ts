/** @module Downloads a checkpoint from the Hugging Face hub into the cache. */
import { readAdapter } from '../checkpoint/adapter-source.ts';
import { readConfig } from '../checkpoint/config.ts';
import { folderMetadata, readJson, withTokenizer } from '../checkpoint/interface/metadata.ts';
import type { OnProgress } from '../checkpoint/interface/progress.ts';
import { namedWeights, parseIndex } from '../checkpoint/open-weights.ts';
import type { ModelConfig } from '../format/manifest.ts';
import { buildTokenizer } from '../tokenizer/build-tokenizer.ts';
import { RepositoryCache } from './cache.ts';
import { downloadFile } from './download.ts';
import { HubError, UnreachableError } from './errors.ts';
import { ADAPTER_CONFIG, chooseFiles, type NeededFiles } from './needed-files.ts';
import { type HubFile, openRepository, type Repository } from './repository.ts';
import type { HubAccess } from './request.ts';
import { RETRY_POLICY, type RetryPolicy } from './retry.ts';
import { type HubSettings, readSettings } from './settings.ts';

export interface FetchOptions {
  /** `openai-community/gpt2`, or the legacy form `gpt2`. */
  readonly id: string;
  /** A branch, a tag or a full commit hash. Default: `main`. */
  readonly revision?: string | undefined;
  /** Default: from the environment. */
  readonly settings?: HubSettings;
  /** Default: from the environment. */
  readonly cacheDir?: string;
  /** A folder with a tokenizer in place of the repository's. */
  readonly tokenizer?: string | undefined;
  readonly retryPolicy?: RetryPolicy;
  readonly onProgress?: OnProgress;
  /** Called before the weights of a model are downloaded; what it throws ends the download. */
  readonly checkConfig?: ((config: ModelConfig) => void) | undefined;
  /** Called with a line for each retry, and for the use of the cache without a connection. */
  readonly onNotice?: (text: string) => void;
  /** Aborts the download. Received bytes are kept. */
  readonly signal?: AbortSignal;
}

export interface FetchedCheckpoint {
  /** Contains the files that a conversion reads, and possibly others. */
  readonly folder: string;
  /** The canonical id. */
  readonly id: string;
  readonly commit: string;
}

/**
 * Downloads the files that a conversion reads, unless they are cached. Config and tokenizer come first, so
 * that an unsupported model is rejected before its weights are downloaded.
 *
 * If the hub is unreachable or `HF_HUB_OFFLINE=1`, the cached files of the revision are used.
 *
 * @throws HubError if a file is not available; CheckpointError if the model is not supported.
 */
export async function fetchCheckpoint(options: FetchOptions): Promise<FetchedCheckpoint> {
  const { id, revision = 'main', signal, onNotice, retryPolicy = RETRY_POLICY } = options;
  checkRevision(revision);
  const { offline, ...settings } = options.settings ?? readSettings();
  const cache = new RepositoryCache(id, options.cacheDir);
  if (offline) return openCached(cache, options, revision, 'HF_HUB_OFFLINE is set');
  const access: HubAccess = { ...settings, retryPolicy, signal, onNotice };
  let repository: Repository;
  try {
    repository = await openRepository(access, id, revision);
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error;
    const cached = await openCached(cache, options, revision, error.message);
    onNotice?.(`${error.message}. Using the cache: ${id} at commit ${cached.commit}`);
    return cached;
  }
  const { commit } = repository;
  await fetchFiles(access, repository, cache, options);
  await cache.setRef(revision, commit);
  return { folder: cache.snapshot(commit), id: repository.id, commit };
}

/** A revision is used as a path below `refs`. */
function checkRevision(revision: string): void {
  if (/^\w[\w.+@-]*(\/\w[\w.+@-]*)*$/.test(revision) && !revision.includes('..')) return;
  throw new HubError(`--revision is "${revision}", expected a branch, a tag or a full commit hash`);
}

async function fetchFiles(
  access: HubAccess,
  repository: Repository,
  cache: RepositoryCache,
  { onProgress = () => {}, checkConfig = () => {}, tokenizer }: FetchOptions,
): Promise<void> {
  const { id, commit, files } = repository;
  const fetchAll = async (toFetch: readonly HubFile[], onBytes: (bytes: number, label: string) => void) => {
    let previousBytes = 0;
    for (const file of toFetch) {
      const onFileBytes = (bytes: number) =>
        onBytes(previousBytes + bytes, `${file.name}, ${megabytes(bytes, file.bytes)}`);
      if (!(await cache.has(commit, file))) {
        await downloadFile(access, repository, file, cache.partial(file), onFileBytes);
        await cache.add(commit, file);
      }
      previousBytes += file.bytes;
    }
  };
  await cache.prepare(commit);
  const folder = cache.snapshot(commit);
  const named = await namedInRepository(files, folder, (file) => fetchAll([file], () => {}));
  const { metadata, weights, isAdapter } = chooseFiles(files, id, tokenizer === undefined, named);
  const smallFiles = weights.isIndex ? [...metadata, weights.label] : metadata;
  await fetchAll(filesOf(repository, smallFiles), () => {});
  await checkSupported(folder, isAdapter, tokenizer ?? folder, checkConfig);
  const weightFiles = filesOf(repository, await weightFilesOf(folder, weights), weights.label);
  const total = weightFiles.reduce((sum, { bytes }) => sum + bytes, 0);
  await fetchAll(weightFiles, (bytes, label) => onProgress(bytes, total, label));
}

/** @returns the weights that `config.json` names, of which the config is fetched first. An adapter has none. */
async function namedInRepository(
  files: Repository['files'],
  folder: string,
  fetch: (file: HubFile) => Promise<void>,
): Promise<NeededFiles['weights'] | undefined> {
  const config = files.get('config.json');
  if (!config || files.has(ADAPTER_CONFIG)) return undefined;
  await fetch(config);
  return namedWeights(folderMetadata(folder));
}

/** @throws CheckpointError for a model that cannot be converted, as far as its small files show. */
async function checkSupported(
  folder: string,
  isAdapter: boolean,
  tokenizer: string,
  checkConfig: NonNullable<FetchOptions['checkConfig']>,
): Promise<void> {
  if (isAdapter) {
    await readAdapter(folder);
    return;
  }
  const metadata = folderMetadata(folder);
  const config = await readConfig(metadata);
  await buildTokenizer(withTokenizer(metadata, folderMetadata(tokenizer)));
  checkConfig(config);
}

/** @param index the file that lists `names`, if they are shards. */
function filesOf({ id, commit, files }: Repository, names: readonly string[], index?: string): HubFile[] {
  return names.map((name) => {
    const file = files.get(name);
    if (!file) {
      throw new HubError(`${id} has no file ${name} at commit ${commit}, but its ${index} lists it`);
    }
    return file;
  });
}

async function weightFilesOf(folder: string, { label, isIndex }: NeededFiles['weights']): Promise<string[]> {
  if (!isIndex) return [label];
  return [...new Set(parseIndex(label, await readJson(folderMetadata(folder), label)).values())].sort();
}

/** @throws UnreachableError if the cache lacks a needed file. */
async function openCached(
  cache: RepositoryCache,
  { id, tokenizer }: FetchOptions,
  revision: string,
  reason: string,
): Promise<FetchedCheckpoint> {
  const commit = await cache.commitOf(revision);
  const names = new Set(commit ? await cache.names(commit) : []);
  if (!commit || names.size === 0) {
    throw new UnreachableError(
      `${reason}. The cache, ${cache.folder}, does not have ${id} at ${revision} either`,
    );
  }
  const folder = cache.snapshot(commit);
  const { weights } = chooseFiles(
    names,
    `${reason}, and the cached folder of ${id}, ${folder},`,
    tokenizer === undefined,
    names.has(ADAPTER_CONFIG) ? undefined : await namedWeights(folderMetadata(folder)),
  );
  const missing = (await weightFilesOf(folder, weights)).filter((name) => !names.has(name));
  if (missing.length > 0)
    throw new UnreachableError(`${reason}. The cached folder ${folder} lacks ${missing.join(', ')}`);
  return { folder, id, commit };
}

function megabytes(done: number, total: number): string {
  const format = (bytes: number) => (bytes / 1e6).toFixed(total < 1e7 ? 1 : 0);
  return `${format(done)} of ${format(total)} MB`;
}
