/** @module Starts a contestant in a fresh Node process. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Start } from '../contestant.ts';
import type { Answer } from '../side.ts';

/** @param flags Node's command-line flags */
export function startInNode(...flags: readonly string[]): Start {
  return async (side) => {
    const child = fork(join(import.meta.dirname, 'child.ts'), [side], { execArgv: [...flags] });
    const { loadMilliseconds } = await nextMessage<{ loadMilliseconds: number }>(child);
    return {
      loadMilliseconds,
      pids: child.pid === undefined ? [] : [child.pid],
      perform(request) {
        child.send(request);
        return nextMessage<Answer>(child);
      },
      async close() {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const exited = once(child, 'exit');
        child.kill();
        await exited;
      },
    };
  };
}

async function nextMessage<T>(child: ChildProcess): Promise<T> {
  const stop = new AbortController();
  const exited = once(child, 'exit', stop).then(([code]) => {
    throw new Error(`the contestant's process exited with code ${code}`);
  });
  try {
    const [message] = await Promise.race([once(child, 'message', stop), exited]);
    return message as T;
  } finally {
    // Aborting rejects the loser of the race; nothing awaits it.
    exited.catch(() => {});
    stop.abort();
  }
}
