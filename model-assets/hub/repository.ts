/** @module The files of a model on the hub at one commit, with their sizes and digests. */
import { listFiles, modelInfo } from '@huggingface/hub';
import * as z from 'zod';
import { ADDITIONAL_TEMPLATES } from '../checkpoint/chat-template.ts';
import { HubError } from './errors.ts';
import { apiFetch, type HubAccess } from './request.ts';

/**
 * A model id: `owner/name`, or the legacy form `name`. Follows the hub's rules, which make it a safe path.
 */
export const MODEL_ID = /^(?!.*(--|\.\.|\.git$))\w[\w.-]{0,95}(\/\w[\w.-]{0,95})?$/;

export interface Digest {
  /** Git's blob digest, or the SHA-256 of a file in Git LFS or Xet. */
  readonly algorithm: 'git-sha1' | 'sha256';
  /** Lower-case hexadecimal. Equals the hub's ETag and the file's name in the cache. */
  readonly hex: string;
}

export interface HubFile {
  readonly name: string;
  readonly bytes: number;
  readonly digest: Digest;
}

export interface Repository {
  /** The canonical id, e.g. `openai-community/gpt2` for `gpt2`. */
  readonly id: string;
  readonly commit: string;
  /** The files of the root folder and of the folder of chat templates, by their paths. */
  readonly files: ReadonlyMap<string, HubFile>;
}

/** Strict, because digests and names are used as paths in the cache. */
const infoSchema = z.object({ name: z.string().regex(MODEL_ID), sha: z.string().regex(/^[0-9a-f]{40}$/) });
const entrySchema = z.object({
  type: z.string(),
  path: z.string(),
  size: z.int().nonnegative(),
  oid: z.string().regex(/^[0-9a-f]{40}$/),
  lfs: z.object({ oid: z.string().regex(/^[0-9a-f]{64}$/) }).nullish(),
});

/**
 * Requests the commit of a revision and its list of files.
 *
 * @param id e.g. `openai-community/gpt2`
 * @param revision a branch, a tag or a commit
 * @throws HubError; an UnreachableError if the hub does not respond.
 */
export async function openRepository(access: HubAccess, id: string, revision: string): Promise<Repository> {
  const api = { hubUrl: access.endpoint, fetch: apiFetch(access, { id, revision }) };
  try {
    const info = await modelInfo({ name: id, revision, additionalFields: ['sha'], ...api });
    const { name, sha } = infoSchema.parse(info);
    const list = async (path?: string) => {
      const repo = { type: 'model', name } as const;
      const listed = listFiles({ repo, revision: sha, ...(path && { path }), ...api });
      return z.array(entrySchema).parse(await Array.fromAsync(listed));
    };
    const root = await list();
    const hasTemplates = root.some(({ type, path }) => type === 'directory' && path === ADDITIONAL_TEMPLATES);
    const files = [...root, ...(hasTemplates ? await list(ADDITIONAL_TEMPLATES) : [])]
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
    // E.g. the login page of a proxy, with status 200.
    if (!(error instanceof z.ZodError || error instanceof SyntaxError)) throw error;
    throw new HubError(
      `${access.endpoint} does not respond like the Hugging Face hub: check HF_ENDPOINT and the proxy`,
    );
  }
}
