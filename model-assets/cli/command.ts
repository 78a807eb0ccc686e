/**
 * @module What the commands of this folder share: exit codes, errors and interruption.
 *
 * 0: done. 1: the input is at fault, told without a stack. 2: the command line is at fault. 130: interrupted.
 */
import { Command, CommanderError } from 'commander';
import { CheckpointError } from '../checkpoint/errors.ts';
import { createProgress, type Progress } from './progress.ts';

/** @returns a command that throws where commander would end the process; {@link runCommand} takes it from there. */
export const createCommand = (name: string, description: string): Command =>
  new Command(name).description(description).showHelpAfterError('(--help shows the usage)').exitOverride();

/**
 * Runs what a command does, with a progress bar, and prints the text it returns.
 * An interrupt aborts the signal, so that temporary files are removed before the process ends.
 */
export async function runWithProgress(
  verb: string,
  work: (progress: Pick<Progress, 'onProgress'>, signal: AbortSignal) => Promise<string>,
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

/** The classes of errors that the input is at fault for. */
type InputFaults = readonly (abstract new (...args: never[]) => Error)[];

/**
 * Parses the command line, runs the command's action and sets the exit code.
 * @param inputFaults the classes of errors to be told without a stack, besides those of the system
 */
export async function runCommand(
  command: Command,
  argv: readonly string[] = process.argv,
  inputFaults: InputFaults = [CheckpointError],
): Promise<void> {
  try {
    await command.parseAsync(argv);
  } catch (error) {
    process.exitCode = exitCodeOf(error);
    // commander has printed its own errors already.
    if (!(error instanceof CommanderError))
      process.stderr.write(`${command.name()}: ${messageOf(error, inputFaults)}\n`);
  }
}

function exitCodeOf(error: unknown): number {
  if (!(error instanceof CommanderError)) return 1;
  return error.exitCode === 1 ? 2 : error.exitCode;
}

/** A fault of the input or the system is told by its message; a fault of ours shows where it is. */
function messageOf(error: unknown, inputFaults: InputFaults): string {
  if (!(error instanceof Error)) return String(error);
  return inputFaults.some((fault) => error instanceof fault) || 'syscall' in error
    ? error.message
    : (error.stack ?? error.message);
}
