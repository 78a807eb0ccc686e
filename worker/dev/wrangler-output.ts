/** @module What `npm start` shows of wrangler's output: the Worker's log, warnings and errors. */
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

/** The request id with which `npm start` asks its Worker whether it is ready. Its log lines are not shown. */
export const READY_PROBE = 'npm-start';

const READY = 'Ready on ';
const ADDRESS_IN_USE = 'Address already in use';
/** The end of the output in which {@link ADDRESS_IN_USE} is searched, in characters. */
const TAIL = 2000;

interface RelayOptions {
  /** Shows all lines, not only those of the Worker's log. */
  readonly all: boolean;
  /** Called when wrangler reports that an address is in use. wrangler itself may wait for ever then. */
  readonly onAddressInUse: () => Promise<void>;
}

/**
 * Prints wrangler's errors, and the lines of its standard output that are the Worker's log.
 * @param wrangler with pipes as its standard output and error
 * @returns when wrangler says that the Worker is ready
 */
export function relayOutput(wrangler: ChildProcess, { all, onAddressInUse }: RelayOptions): Promise<void> {
  const { stdout, stderr } = wrangler;
  if (!stdout || !stderr) throw new TypeError('the output of wrangler must be a pipe');
  let tail = '';
  stderr.on('data', (chunk: Buffer) => {
    process.stderr.write(chunk);
    tail = (tail + chunk.toString()).slice(-TAIL);
    if (!tail.includes(ADDRESS_IN_USE)) return;
    tail = '';
    void onAddressInUse();
  });
  return new Promise((resolve) => {
    createInterface({ input: stdout }).on('line', (line) => {
      if (line.includes(READY)) resolve();
      if (all || isLogLine(line)) console.log(line);
    });
  });
}

function isLogLine(line: string): boolean {
  return line.startsWith('{"time":') && !line.includes(`"id":"${READY_PROBE}"`);
}
