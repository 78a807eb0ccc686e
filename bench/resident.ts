/** @module The largest resident set of a process, as Linux keeps it. */
import { readFileSync, writeFileSync } from 'node:fs';

/** Of the largest of these processes, since it began or {@link resetPeak}; null where there is no /proc. */
export function peakBytes(pids: readonly number[]): number | null {
  return largest(pids, /VmHWM:\s*(\d+) kB/);
}

/** The resident set that the largest of these processes has now; null where there is no /proc. */
export function residentBytes(pids: readonly number[]): number | null {
  return largest(pids, /VmRSS:\s*(\d+) kB/);
}

function largest(pids: readonly number[], field: RegExp): number | null {
  const sizes = pids.flatMap((pid) => {
    const [, kilobytes] = field.exec(readProc(pid, 'status')) ?? [];
    return kilobytes === undefined ? [] : [Number(kilobytes) * 1024];
  });
  return sizes.length > 0 ? Math.max(...sizes) : null;
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
