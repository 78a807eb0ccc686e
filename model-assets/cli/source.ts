/** @module What `convert` is given: a folder, or a model on the Hugging Face hub, which is fetched. */
import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { CheckpointError } from '../checkpoint/errors.ts';
import type { ConvertOptions } from '../convert/convert.ts';
import { fetchCheckpoint } from '../hub/checkpoint.ts';
import { HubError, NoModelError, UnreachableError } from '../hub/errors.ts';
import { MODEL_ID } from '../hub/repository.ts';
import { createProgress } from './progress.ts';

type OpenSource = Required<Pick<ConvertOptions, 'source' | 'name'>> & Pick<ConvertOptions, 'hub'>;

/**
 * A folder that is there is a folder; what else has the form of an id, `owner/name` or `name`, is a model on the hub.
 *
 * @throws CheckpointError if it can be neither; HubError if it is not to be had.
 */
export async function openSource(
  text: string,
  revision: string | undefined,
  signal: AbortSignal,
): Promise<OpenSource> {
  const found = await stat(text).catch(() => undefined);
  if (found?.isDirectory()) {
    if (revision === undefined) return { source: text, name: basename(resolve(text)) };
    throw new CheckpointError(`--revision is for models of the hub, and ${text} is a folder here`);
  }
  if (found) throw new CheckpointError(`${text} is a file: SOURCE must be a folder in Hugging Face format`);
  if (!MODEL_ID.test(text)) {
    throw new CheckpointError(
      `${text} is not a folder here, and cannot be a model on the hub either: expected OWNER/NAME, e.g. openai-community/gpt2`,
    );
  }
  try {
    return await download(text, revision, signal);
  } catch (error) {
    // It may have been meant as a folder.
    const isUnknown = error instanceof NoModelError || error instanceof UnreachableError;
    throw isUnknown ? new HubError(`${text} is not a folder here. ${error.message}`) : error;
  }
}

async function download(id: string, revision: string | undefined, signal: AbortSignal): Promise<OpenSource> {
  let progress = createProgress('download');
  const onNotice = (notice: string) => {
    // Below a bar's line and not in it.
    progress.stop();
    progress = createProgress('download');
    process.stderr.write(`download: ${notice}\n`);
  };
  try {
    const checkpoint = await fetchCheckpoint({
      id,
      revision,
      signal,
      onNotice,
      onProgress: (...step) => progress.onProgress(...step),
    });
    const { folder, ...hub } = checkpoint;
    return { source: folder, name: basename(id), hub };
  } finally {
    progress.stop();
    if (signal.aborted)
      process.stderr.write('download: stopped; run the command again and it goes on from here\n');
  }
}
