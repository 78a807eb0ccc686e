/** @module Runs `npm run convert` and `npm run adapter` in a child process. */
import { type ExecFileOptions, execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const scriptOf = (name: string) =>
  fileURLToPath(new URL(`../../model-assets/cli/${name}.ts`, import.meta.url));
export const SCRIPT = scriptOf('convert');

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** @param options working directory and environment; `env` replaces the environment of this process. */
export const runConvert = (args: readonly string[], options: ExecFileOptions = {}): Promise<CommandResult> =>
  runScript(SCRIPT, args, options);

export const runAdapter = (args: readonly string[], options: ExecFileOptions = {}): Promise<CommandResult> =>
  runScript(scriptOf('adapter'), args, options);

function runScript(
  script: string,
  args: readonly string[],
  options: ExecFileOptions,
): Promise<CommandResult> {
  return new Promise((resolve) => {
    execFile(process.execPath, [script, ...args], options, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout: String(stdout), stderr: String(stderr) }),
    );
  });
}
