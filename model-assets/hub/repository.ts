/** @module A model on the hub at one commit: which files it has, their sizes and their digests. */
import { listFiles, modelInfo } from '@huggingface/hub';
import * as z from 'zod';
import { HubError } from './errors.ts';
import { apiFetch, type HubAccess } from './request.ts';

/** An id of the hub: `owner/name`, or a bare `name` of the first models. The hub's own rules, which keep it a safe path. */
export const MODEL_ID = /^(?!.*(--|\.\.|\.git$))\w[\w.-]{0,95}(\/\w[\w.-]{0,95})?$/;

export interface Digest {
  /** Git's own digest of a file in the repository, or the SHA-256 of one in Git LFS or Xet. */
  readonly algorithm: 'git-sha1' | 'sha256';
  /** Lower-case hexadecimal. The hub's ETag and the name of the file in the cache. */
  readonly hex: string;
}

export interface HubFile {
  readonly name: string;
  readonly bytes: number;
  readonly digest: Digest;
}

export interface Repository {
  /** As the hub has it now, e.g. `openai-community/gpt2` for `gpt2`. */
  readonly id: string;
  readonly commit: string;
  /** The files of its root by name. */
  readonly files: ReadonlyMap<string, HubFile>;
}

/** Digests and names become paths in the cache, so they are what they should be or refused. */
const infoSchema = z.object({ name: z.string().regex(MODEL_ID), sha: z.string().regex(/^[0-9a-f]{40}$/) });
const entrySchema = z.object({
  type: z.string(),
  path: z.string(),
  size: z.int().nonnegative(),
  oid: z.string().regex(/^[0-9a-f]{40}$/),
  lfs: z.object({ oid: z.string().regex(/^[0-9a-f]{64}$/) }).nullish(),
});

/**
 * Asks the hub for the commit of a revision and what it holds.
 *
 * @param id e.g. `openai-community/gpt2`
 * @param revision a branch, a tag or a commit
 * @throws HubError, an UnreachableError when no answer came.
 */
export async function openRepository(access: HubAccess, id: string, revision: string): Promise<Repository> {
  const api = { hubUrl: access.endpoint, fetch: apiFetch(access, { id, revision }) };
  try {
    const info = await modelInfo({ name: id, revision, additionalFields: ['sha'], ...api });
    const { name, sha } = infoSchema.parse(info);
    const entries = await Array.fromAsync(
      listFiles({ repo: { type: 'model', name }, revision: sha, ...api }),
    );
    const files = z
      .array(entrySchema)
      .parse(entries)
      .filter(({ type }) => type === 'file')
      .map(
        ({ path, size, oid, lfs }): HubFile => ({
          name: path,
          bytes: size,
          digest: lfs ? { algorithm: 'sha256', hex: lfs.oid } : { algorithm: 'git-sha1', hex: oid },
        }),
      );
    return { id: name, commit: sha, files: new Map(files.map((file) => [file.name, file])) };
  } catch (error) {
    // A page of a proxy or of some other site, with status 200.
    if (!(error instanceof z.ZodError || error instanceof SyntaxError)) throw error;
    throw new HubError(
      `${access.endpoint} does not answer as the Hugging Face hub does: check HF_ENDPOINT and the proxy`,
    );
  }
}
