/**
 * @module A progress bar on standard error, plain lines where that is not a terminal.
 */
import { SingleBar } from 'cli-progress';
import type { OnProgress } from '../convert/convert.ts';

export interface Progress {
  readonly onProgress: OnProgress;
  /** Ends the bar's line. Call it before anything else is printed, also after an error. */
  stop(): void;
}

/** @param verb what is being done, e.g. `convert`. */
export const createProgress = (verb: string): Progress =>
  process.stderr.isTTY ? createBar(verb) : createLines(verb);

function createBar(verb: string): Progress {
  const bar = new SingleBar({
    format: `${verb} [{bar}] {percentage} % {label}`,
    clearOnComplete: true,
    hideCursor: true,
  });
  let started = false;
  return {
    onProgress(done, total, label) {
      if (!started) bar.start(total, 0, { label });
      started = true;
      bar.update(done, { label });
    },
    stop: () => bar.stop(),
  };
}

const STEP_PERCENT = 10;

function createLines(verb: string): Progress {
  let next = STEP_PERCENT;
  return {
    onProgress(done, total, label) {
      const percent = Math.floor((100 * done) / total);
      if (percent < next) return;
      process.stderr.write(`${verb}: ${percent} % (${label})\n`);
      next = percent - (percent % STEP_PERCENT) + STEP_PERCENT;
    },
    stop() {},
  };
}
