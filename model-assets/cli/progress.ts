/** @module A progress bar on standard error; plain lines if that is not a terminal. */
import { SingleBar } from 'cli-progress';
import type { OnProgress, OnWarning } from '../checkpoint/interface/progress.ts';

export interface Progress {
  readonly onProgress: OnProgress;
  /** Prints a line, at the end if there is a bar. */
  readonly onWarning: OnWarning;
  /** Clears the bar. Call it before any other output, also after an error. */
  stop(): void;
}

/** @param verb prefix of the output, e.g. `convert`. */
export const createProgress = (verb: string): Progress =>
  process.stderr.isTTY ? createBar(verb) : createLines(verb);

function createBar(verb: string): Progress {
  const bar = new SingleBar({
    format: `${verb} [{bar}] {percentage} % {label}`,
    clearOnComplete: true,
    hideCursor: true,
  });
  let started = false;
  const warnings: string[] = [];
  return {
    onWarning: (message) => warnings.push(message),
    onProgress(done, total, label) {
      if (!started) bar.start(total, 0, { label });
      started = true;
      bar.update(done, { label });
    },
    // Only below the bar: a line in the middle would tear it.
    stop() {
      bar.stop();
      for (const message of warnings.splice(0)) warn(verb, message);
    },
  };
}

const STEP_PERCENT = 10;

function createLines(verb: string): Progress {
  let nextPercent = STEP_PERCENT;
  return {
    onWarning: (message) => warn(verb, message),
    onProgress(done, total, label) {
      const percent = Math.floor((100 * done) / total);
      if (percent < nextPercent) return;
      process.stderr.write(`${verb}: ${percent} % (${label})\n`);
      nextPercent = percent - (percent % STEP_PERCENT) + STEP_PERCENT;
    },
    stop() {},
  };
}

function warn(verb: string, message: string): void {
  process.stderr.write(`${verb}: warning: ${message}\n`);
}
