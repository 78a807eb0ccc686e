/** @module Starts a contestant in a fresh Node. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Start } from '../contestant.ts';
import type { Answer } from '../side.ts';

/** @param flags of Node itself */
export function startInNode(...flags: readonly string[]): Start {
  return async (side) => {
    const child = fork(join(import.meta.dirname, 'child.ts'), [side], { execArgv: [...flags] });
    const { loadMilliseconds } = await nextMessage<{ loadMilliseconds: number }>(child);
    return {
      loadMilliseconds,
      pids: child.pid === undefined ? [] : [child.pid],
      ask(request) {
        child.send(request);
        return nextMessage<Answer>(child);
      },
      async close() {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const gone = once(child, 'exit');
        child.kill();
        await gone;
      },
    };
  };
}

async function nextMessage<T>(child: ChildProcess): Promise<T> {
  const stop = new AbortController();
  const ended = once(child, 'exit', stop).then(([code]) => {
    throw new Error(`the process of a contestant ended with ${code}`);
  });
  try {
    const [message] = await Promise.race([once(child, 'message', stop), ended]);
    return message as T;
  } finally {
    // The loser of the race ends here, and nobody waits for it.
    ended.catch(() => {});
    stop.abort();
  }
}
