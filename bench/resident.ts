/** @module The largest resident set of a process, as Linux keeps it. */
import { readFileSync, writeFileSync } from 'node:fs';

/** Of the largest of these processes, since it began or {@link resetPeak}; null where there is no /proc. */
export function peakBytes(pids: readonly number[]): number | null {
  const peaks = pids.flatMap((pid) => {
    const [, kilobytes] = /VmHWM:\s*(\d+) kB/.exec(readProc(pid, 'status')) ?? [];
    return kilobytes === undefined ? [] : [Number(kilobytes) * 1024];
  });
  return peaks.length > 0 ? Math.max(...peaks) : null;
}

/** From here on the peak counts anew, from what is resident now. */
export function resetPeak(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      writeFileSync(`/proc/${pid}/clear_refs`, '5');
    } catch {
      // Not Linux: there is no peak either.
    }
  }
}

/** A file about a process; empty when there is none, or no such process any more. */
export function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
