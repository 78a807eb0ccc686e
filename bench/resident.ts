/** @module The resident set of a process and its peak, from Linux's /proc. */
import { readFileSync, writeFileSync } from 'node:fs';

/** Peak of the largest of these processes since its start or {@link resetPeak}; null without /proc. */
export function peakBytes(pids: readonly number[]): number | null {
  return maxStatusBytes(pids, /VmHWM:\s*(\d+) kB/);
}

/** Current resident set of the largest of these processes; null without /proc. */
export function residentBytes(pids: readonly number[]): number | null {
  return maxStatusBytes(pids, /VmRSS:\s*(\d+) kB/);
}

function maxStatusBytes(pids: readonly number[], field: RegExp): number | null {
  const sizes = pids.flatMap((pid) => {
    const [, kilobytes] = field.exec(readProc(pid, 'status')) ?? [];
    return kilobytes === undefined ? [] : [Number(kilobytes) * 1024];
  });
  return sizes.length > 0 ? Math.max(...sizes) : null;
}

/** Resets the peak to the current resident set. */
export function resetPeak(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      writeFileSync(`/proc/${pid}/clear_refs`, '5');
    } catch {
      // Not Linux: peakBytes returns null as well.
    }
  }
}

/** Contents of `/proc/<pid>/<file>`; empty if it does not exist. */
export function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
