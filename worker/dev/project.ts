/**
 * @module What `npm start` and `npm run deploy` use of the repository: its wrangler, its `wrangler.toml` and its model. In
 * the package `packages/edgebeam/project.ts` takes the place of this file.
 */
import { join } from 'node:path';
import { createProgress } from '../../model-assets/cli/progress.ts';
import { DEFAULT_MODEL, ensureDefaultModel } from '../../model-assets/ensure.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** @returns the absolute path of the embedded model; converts it first, if needed */
export async function defaultModel(): Promise<string> {
  const { onProgress, stop } = createProgress('converting the default model');
  try {
    await ensureDefaultModel({ onProgress });
  } finally {
    stop();
  }
  return DEFAULT_MODEL;
}

/** A process to start. */
export interface Invocation {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

/** wrangler's process for a model that exists already. */
export function wranglerInvocation(args: readonly string[]): Invocation {
  return {
    file: process.execPath,
    // Not `.bin/wrangler`: on Windows it needs a shell, which would split a path at its spaces.
    args: [join(ROOT, 'node_modules', 'wrangler', 'bin', 'wrangler.js'), ...args],
    cwd: ROOT,
    // The build step of wrangler.toml has nothing to do.
    env: { ...process.env, EDGEBEAM_MODEL_READY: '1' },
  };
}
