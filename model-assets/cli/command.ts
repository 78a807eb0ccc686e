/**
 * @module Exit codes, error messages and interruption of the commands.
 *
 * 0: success. 1: error; invalid input is reported without a stack. 2: invalid command line. 130: interrupted.
 */
import { Command, CommanderError } from 'commander';
import { CheckpointError } from '../checkpoint/interface/errors.ts';
import { commandName } from './program.ts';
import { createProgress, type Progress } from './progress.ts';

export const USAGE_HINT = '(--help shows the usage)';
export const INVALID_COMMAND_LINE = 2;

/** @returns a command that throws instead of ending the process; {@link runCommand} handles the error. */
export const createCommand = (name: string, description: string): Command =>
  new Command(commandName(name)).description(description).showHelpAfterError(USAGE_HINT).exitOverride();

/**
 * Runs `work` with a progress bar and prints the text that it returns.
 * SIGINT aborts the signal, so that temporary files are removed before the process ends.
 */
export async function runWithProgress(
  verb: string,
  work: (progress: Pick<Progress, 'onProgress' | 'onWarning'>, signal: AbortSignal) => Promise<string>,
): Promise<void> {
  const progress = createProgress(verb);
  const controller = new AbortController();
  const interrupt = () => controller.abort(new CommanderError(130, 'interrupted', `${verb} interrupted`));
  process.once('SIGINT', interrupt);
  let summary: string;
  try {
    summary = await work(progress, controller.signal);
  } finally {
    progress.stop();
    process.off('SIGINT', interrupt);
  }
  process.stdout.write(summary);
}

type ErrorClasses = readonly (abstract new (...args: never[]) => Error)[];

/**
 * Parses the command line, runs the command's action and sets the exit code.
 * @param inputErrors error classes to report without a stack, besides system errors
 */
export async function runCommand(
  command: Command,
  argv: readonly string[] = process.argv,
  inputErrors: ErrorClasses = [CheckpointError],
): Promise<void> {
  try {
    await command.parseAsync(argv);
  } catch (error) {
    process.exitCode = exitCodeOf(error);
    // commander prints its own errors.
    if (!(error instanceof CommanderError))
      process.stderr.write(`${command.name()}: ${messageOf(error, inputErrors)}\n`);
  }
}

function exitCodeOf(error: unknown): number {
  if (!(error instanceof CommanderError)) return 1;
  return error.exitCode === 1 ? INVALID_COMMAND_LINE : error.exitCode;
}

/** @returns the message of an input or system error; the stack of any other. */
function messageOf(error: unknown, inputErrors: ErrorClasses): string {
  if (!(error instanceof Error)) return String(error);
  return inputErrors.some((type) => error instanceof type) || 'syscall' in error
    ? error.message
    : (error.stack ?? error.message);
}
