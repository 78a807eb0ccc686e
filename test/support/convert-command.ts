/** @module Runs `npm run convert` in a child process. */
import { type ExecFileOptions, execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const SCRIPT = fileURLToPath(new URL('../../model-assets/cli/convert.ts', import.meta.url));

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** @param options working directory and environment; `env` replaces the environment of this process. */
export function runConvert(args: readonly string[], options: ExecFileOptions = {}): Promise<CommandResult> {
  return new Promise((resolve) => {
    execFile(process.execPath, [SCRIPT, ...args], options, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout: String(stdout), stderr: String(stderr) }),
    );
  });
}
