/** @module Shared by `npm start` and `npm run deploy`: the model's options and folder, running wrangler. */
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { INVALID_COMMAND_LINE, USAGE_HINT } from '../../model-assets/cli/command.ts';
import { commandLine } from '../../model-assets/cli/program.ts';
import { defaultModel, wranglerInvocation } from './project.ts';

const GRACE_MILLISECONDS = 1000;

export interface ModelOptions {
  readonly model?: string;
  readonly heap?: number;
}

/** @param wrangler what the arguments after `--` are for */
export const wranglerCommand = (name: string, description: string, wrangler: string): Command =>
  new Command(commandLine(name))
    .description(description)
    .showHelpAfterError(USAGE_HINT)
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : INVALID_COMMAND_LINE))
    .argument('[wrangler...]', `after --: more arguments for ${wrangler}`, wranglerArguments)
    .option('--model <dir>', 'folder of a converted model (default: the embedded one)')
    .option(
      '--heap <mib>',
      'maximum of the WebAssembly heap; a Cloudflare isolate has 128 MB in total',
      positiveInteger,
    );

function wranglerArguments(argument: string, before: readonly string[] = []): readonly string[] {
  if (before.length === 0 && !argument.startsWith('-'))
    throw new InvalidArgumentError('A model is named by --model, and options of wrangler follow --.');
  return [...before, argument];
}

/** Ends this process because of something else than its command line. */
export function fail(message: string): never {
  console.error(message);
  process.exit(1);
}

/** @returns the absolute path of the model's folder; converts the embedded model first, if needed */
export async function modelFolder({ model }: ModelOptions): Promise<string> {
  return model === undefined ? defaultModel() : resolve(model);
}

/** wrangler's arguments for a model: its folder as assets, overriding `wrangler.toml`, and its variables. */
export function modelArguments(folder: string, { heap }: ModelOptions): string[] {
  return ['--assets', folder, ...(heap === undefined ? [] : ['--var', `HEAP_MIB:${heap}`])];
}

/**
 * Runs wrangler for a model that exists already. This process exits with wrangler's exit code.
 */
export function runWrangler(
  args: readonly string[],
  { stdio, env }: { stdio: StdioOptions; env?: NodeJS.ProcessEnv },
): ChildProcess {
  const invocation = wranglerInvocation(args);
  const wrangler = spawn(invocation.file, invocation.args, {
    cwd: invocation.cwd,
    stdio,
    env: { ...invocation.env, ...env },
  });
  let isAsked = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      isAsked = true;
      wrangler.kill(signal);
    });
  }
  // Without a code a signal has ended it: the user's, or for instance that of a system without memory.
  const exit = (code: number | null) => process.exit(code ?? (isAsked ? 0 : 1));
  // All output has been read.
  wrangler.on('close', exit);
  // A process that wrangler leaves behind can hold its output open.
  wrangler.on('exit', (code) => setTimeout(exit, GRACE_MILLISECONDS, code));
  return wrangler;
}

export function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value <= 0)
    throw new InvalidArgumentError('It must be a whole number above 0.');
  return value;
}
