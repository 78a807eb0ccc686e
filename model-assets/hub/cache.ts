/**
 * @module The cache that Python's huggingface_hub keeps, read and written in its layout, so that each finds what the
 * other has fetched:
 *
 *     $HF_HUB_CACHE/models--openai-community--gpt2/
 *       refs/main                                   the commit, in text
 *       blobs/<digest>                              a file's bytes
 *       snapshots/<commit>/model.safetensors        a link to ../../blobs/<digest>
 *
 * The client has `downloadFileToCacheDir` for it, which begins anew after a break and checks no digest; what is used
 * of the client is where the cache lies and what its folders are called.
 */
import { mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { getHFHubCachePath, getRepoFolderName } from '@huggingface/hub';
import type { HubFile } from './repository.ts';

export class RepositoryCache {
  readonly folder: string;

  /**
   * @param id as the user gave it; Python keeps `gpt2` and `openai-community/gpt2` apart too
   * @param cacheDir instead of the one that the environment variables say
   */
  constructor(id: string, cacheDir: string = getHFHubCachePath()) {
    this.folder = join(cacheDir, getRepoFolderName({ type: 'model', name: id }));
  }

  snapshot(commit: string): string {
    return join(this.folder, 'snapshots', commit);
  }

  /** Not Python's name for it: the two do not see each other's locks and must not write to the same file. */
  partial({ digest }: HubFile): string {
    return join(this.folder, 'blobs', `${digest.hex}.edgebeam.incomplete`);
  }

  /** @returns whether the snapshot has the file now, with the bytes that the cache already had. */
  async has(commit: string, file: HubFile): Promise<boolean> {
    if ((await sizeOf(join(this.snapshot(commit), file.name))) === file.bytes) return true;
    if ((await sizeOf(this.#blob(file))) !== file.bytes) return false;
    await this.#link(commit, file);
    return true;
  }

  /** Puts the finished partial file in its place, unless another run has done so in the meantime. */
  async add(commit: string, file: HubFile): Promise<void> {
    try {
      await rename(this.partial(file), this.#blob(file));
      await this.#link(commit, file);
    } catch (error) {
      if (!(await this.has(commit, file))) throw error;
    }
  }

  /** The names of the files of a snapshot, none if there is none. */
  async names(commit: string): Promise<string[]> {
    return readdir(this.snapshot(commit)).catch(() => []);
  }

  /** The commit that a revision was when it was last asked for. */
  async commitOf(revision: string): Promise<string | undefined> {
    if (isCommit(revision)) return revision;
    const text = await readFile(this.#ref(revision), 'utf8').catch(() => '');
    return isCommit(text.trim()) ? text.trim() : undefined;
  }

  async setRef(revision: string, commit: string): Promise<void> {
    if (isCommit(revision)) return;
    await mkdir(dirname(this.#ref(revision)), { recursive: true });
    await writeFile(this.#ref(revision), commit);
  }

  /** Makes the folders that a commit's files go to. */
  async prepare(commit: string): Promise<void> {
    await mkdir(join(this.folder, 'blobs'), { recursive: true });
    await mkdir(this.snapshot(commit), { recursive: true });
  }

  #blob({ digest }: HubFile): string {
    return join(this.folder, 'blobs', digest.hex);
  }

  #ref(revision: string): string {
    return join(this.folder, 'refs', ...revision.split('/'));
  }

  /** Where links are not allowed, as for most users of Windows, the file itself moves; huggingface_hub does so too. */
  async #link(commit: string, file: HubFile): Promise<void> {
    const blob = this.#blob(file);
    const link = join(this.snapshot(commit), file.name);
    if ((await sizeOf(link)) === file.bytes) return;
    await rm(link, { force: true });
    await symlink(relative(dirname(link), blob), link).catch(async (error) => {
      if (error.code !== 'EEXIST') await rename(blob, link);
    });
  }
}

const isCommit = (text: string) => /^[0-9a-f]{40}$/.test(text);

/** Of the file itself, through links. */
const sizeOf = (path: string) =>
  stat(path).then(
    ({ size }) => size,
    () => undefined,
  );
