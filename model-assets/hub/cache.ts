/**
 * @module The download cache, in the layout of Python's huggingface_hub, so that both share their files:
 *
 *     $HF_HUB_CACHE/models--openai-community--gpt2/
 *       refs/main                                   the commit, in text
 *       blobs/<digest>                              the content of a file
 *       snapshots/<commit>/model.safetensors        a link to ../../blobs/<digest>
 *
 * Paths come from the client, `@huggingface/hub`. Its `downloadFileToCacheDir` is not used: it does not
 * resume downloads or check digests.
 */
import { mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { getHFHubCachePath, getRepoFolderName } from '@huggingface/hub';
import type { HubFile } from './repository.ts';

export class RepositoryCache {
  readonly folder: string;

  /**
   * @param id as given by the user: Python, too, has separate folders for `gpt2` and `openai-community/gpt2`
   * @param cacheDir default: from the environment variables
   */
  constructor(id: string, cacheDir: string = getHFHubCachePath()) {
    this.folder = join(cacheDir, getRepoFolderName({ type: 'model', name: id }));
  }

  snapshot(commit: string): string {
    return join(this.folder, 'snapshots', commit);
  }

  /** Differs from Python's name: the processes do not share locks and must not write the same file. */
  partial({ digest }: HubFile): string {
    return join(this.folder, 'blobs', `${digest.hex}.edgebeam.incomplete`);
  }

  /** @returns whether the file is cached. Links its blob into the snapshot if necessary. */
  async has(commit: string, file: HubFile): Promise<boolean> {
    if ((await sizeOf(join(this.snapshot(commit), file.name))) === file.bytes) return true;
    if ((await sizeOf(this.#blob(file))) !== file.bytes) return false;
    await this.#link(commit, file);
    return true;
  }

  /** Adds the complete partial file to the snapshot, unless another process already has. */
  async add(commit: string, file: HubFile): Promise<void> {
    try {
      await rename(this.partial(file), this.#blob(file));
      await this.#link(commit, file);
    } catch (error) {
      if (!(await this.has(commit, file))) throw error;
    }
  }

  /** @returns the file names of a snapshot, none if it does not exist. */
  async names(commit: string): Promise<string[]> {
    return readdir(this.snapshot(commit)).catch(() => []);
  }

  /** @returns the commit of a revision at its last download. */
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

  /** Creates the folders for a commit's files. */
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

  /**
   * Moves the blob if links are not permitted, as for most users of Windows; huggingface_hub does the same.
   */
  async #link(commit: string, file: HubFile): Promise<void> {
    const blob = this.#blob(file);
    const link = join(this.snapshot(commit), file.name);
    if ((await sizeOf(link)) === file.bytes) return;
    await mkdir(dirname(link), { recursive: true });
    await rm(link, { force: true });
    await symlink(relative(dirname(link), blob), link).catch(async (error) => {
      if (error.code !== 'EEXIST') await rename(blob, link);
    });
  }
}

const isCommit = (text: string) => /^[0-9a-f]{40}$/.test(text);

/** Follows links. */
const sizeOf = (path: string) =>
  stat(path).then(
    ({ size }) => size,
    () => undefined,
  );
