/** @module A checkpoint on the Hugging Face hub → a folder on this machine, in the cache. */
import { INDEX, parseIndex } from '../checkpoint/checkpoint.ts';
import { readConfig, readJson } from '../checkpoint/config.ts';
import type { OnProgress } from '../convert/convert.ts';
import { readVocabulary } from '../convert/tokenizer-files.ts';
import { RepositoryCache } from './cache.ts';
import { downloadFile } from './download.ts';
import { HubError, UnreachableError } from './errors.ts';
import { chooseFiles } from './needed-files.ts';
import { type HubFile, openRepository, type Repository } from './repository.ts';
import type { HubAccess } from './request.ts';
import { PATIENCE, type Patience } from './retry.ts';
import { type HubSettings, readSettings } from './settings.ts';

export interface FetchOptions {
  /** `openai-community/gpt2`, or `gpt2` for the first models. */
  readonly id: string;
  /** A branch, a tag or a whole commit hash; `main` if not given. */
  readonly revision?: string | undefined;
  /** Those of the environment if not given. */
  readonly settings?: HubSettings;
  /** Where the cache lies; where the environment says if not given. */
  readonly cacheDir?: string;
  readonly patience?: Patience;
  readonly onProgress?: OnProgress;
  /** Told of what takes longer or goes another way than expected, a line each. */
  readonly onNotice?: (text: string) => void;
  /** Stops the download; what has come is kept. */
  readonly signal?: AbortSignal;
}

export interface FetchedCheckpoint {
  /** Has the files that a conversion reads, and may have others. */
  readonly folder: string;
  /** As the hub calls it. */
  readonly id: string;
  readonly commit: string;
}

/**
 * Fetches the files of a checkpoint that a conversion reads and the cache has not. Config and tokenizer come first:
 * a model of another kind is refused before its weights are fetched.
 *
 * Without a way to the hub, or with `HF_HUB_OFFLINE=1`, what the cache has of the revision is taken.
 *
 * @throws HubError for what the hub does not give; CheckpointError for a model that cannot be converted.
 */
export async function fetchCheckpoint(options: FetchOptions): Promise<FetchedCheckpoint> {
  const { id, revision = 'main', signal, onNotice, patience = PATIENCE } = options;
  checkRevision(revision);
  const { offline, ...settings } = options.settings ?? readSettings();
  const cache = new RepositoryCache(id, options.cacheDir);
  if (offline) return openCached(cache, id, revision, 'HF_HUB_OFFLINE is set');
  const access: HubAccess = { ...settings, patience, signal, onNotice };
  let repository: Repository;
  try {
    repository = await openRepository(access, id, revision);
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error;
    const cached = await openCached(cache, id, revision, error.message);
    onNotice?.(`${error.message}. Taken from the cache: ${id} at commit ${cached.commit}`);
    return cached;
  }
  const { commit } = repository;
  await fetchFiles(access, repository, cache, options.onProgress);
  await cache.setRef(revision, commit);
  return { folder: cache.snapshot(commit), id: repository.id, commit };
}

/** A revision becomes a path below `refs`. */
function checkRevision(revision: string): void {
  if (/^\w[\w.+@-]*(\/\w[\w.+@-]*)*$/.test(revision) && !revision.includes('..')) return;
  throw new HubError(`--revision is "${revision}", expected a branch, a tag or a whole commit hash`);
}

async function fetchFiles(
  access: HubAccess,
  repository: Repository,
  cache: RepositoryCache,
  onProgress: OnProgress = () => {},
): Promise<void> {
  const { id, commit, files } = repository;
  const fetchAll = async (wanted: readonly HubFile[], onBytes: (bytes: number, label: string) => void) => {
    let before = 0;
    for (const file of wanted) {
      const tell = (bytes: number) =>
        onBytes(before + bytes, `${file.name}, ${megabytes(bytes, file.bytes)}`);
      if (!(await cache.has(commit, file))) {
        await downloadFile(access, repository, file, cache.partial(file), tell);
        await cache.add(commit, file);
      }
      before += file.bytes;
    }
  };
  const { metadata, weights } = chooseFiles(files, id);
  await cache.prepare(commit);
  const first = weights === INDEX ? [...metadata, INDEX] : metadata;
  const folder = cache.snapshot(commit);
  await fetchAll(filesOf(repository, first), () => {});
  await readConfig(folder);
  await readVocabulary(folder);
  const parts = weights === INDEX ? await shardsOf(folder) : [weights];
  const wanted = filesOf(repository, parts);
  const total = wanted.reduce((sum, { bytes }) => sum + bytes, 0);
  await fetchAll(wanted, (bytes, label) => onProgress(bytes, total, label));
}

function filesOf({ id, commit, files }: Repository, names: readonly string[]): HubFile[] {
  return names.map((name) => {
    const file = files.get(name);
    if (!file)
      throw new HubError(`${id} has no file ${name} at commit ${commit}, though its ${INDEX} names it`);
    return file;
  });
}

const shardsOf = async (folder: string): Promise<string[]> =>
  [...new Set(parseIndex(await readJson(folder, INDEX)).values())].sort();

/** @throws UnreachableError if the cache does not have all that is needed. */
async function openCached(
  cache: RepositoryCache,
  id: string,
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
  const { weights } = chooseFiles(names, `${reason}, and what the cache has of ${id}, ${folder},`);
  const missing = weights === INDEX ? (await shardsOf(folder)).filter((name) => !names.has(name)) : [];
  if (missing.length > 0)
    throw new UnreachableError(`${reason}. ${folder} in the cache lacks ${missing.join(', ')}`);
  return { folder, id, commit };
}

function megabytes(done: number, total: number): string {
  const [some, all] = [done, total].map((bytes) => (bytes / 1e6).toFixed(total < 1e7 ? 1 : 0));
  return `${some} of ${all} MB`;
}
