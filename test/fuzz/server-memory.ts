/** @module The memory of a dev server: its processes' resident sets, and what of it is the isolate's. */
import { readdirSync } from 'node:fs';
import type { Inspector } from '../../bench/memory/inspector.ts';
import { readProc, residentBytes } from '../../bench/resident.ts';

const HEALTH_MILLISECONDS = 30_000;

export interface MemorySample {
  /** Requests sent until then. */
  readonly sent: number;
  readonly seconds: number;
  /** Of the workerd that runs the Worker, the largest; null without /proc. */
  readonly residentBytes: number | null;
}

/** @param pid of `npm start` */
export function residentBytesOf(pid: number): number | null {
  return residentBytes(workerdPids(pid));
}

/** The workerd processes below a process. */
function workerdPids(root: number): number[] {
  let pids: number[];
  try {
    pids = readdirSync('/proc').map(Number).filter(Boolean);
  } catch {
    return [];
  }
  const statuses = new Map(pids.map((pid) => [pid, readProc(pid, 'status')]));
  const parentOf = (pid: number) => Number(/PPid:\s*(\d+)/.exec(statuses.get(pid) ?? '')?.[1] ?? 0);
  const isBelow = (pid: number): boolean => pid > 1 && (pid === root || isBelow(parentOf(pid)));
  return pids.filter((pid) => statuses.get(pid)?.startsWith('Name:\tworkerd\n') && isBelow(pid));
}

/**
 * Sizes of the isolate's live JavaScript and of its WebAssembly heap, in MB, as text; the reason in place of a
 * size that cannot be had.
 */
export async function describeIsolate(url: string, inspector: Inspector): Promise<string> {
  const unknown = (error: unknown) => `unknown (${error instanceof Error ? error.message : error})`;
  const [javaScript, webAssembly] = [
    await describeJavaScript(inspector).catch((error) => `JavaScript ${unknown(error)}`),
    await webAssemblyBytes(url).then(megabytes, unknown),
  ];
  return `${javaScript}, WebAssembly ${webAssembly}`;
}

async function describeJavaScript(inspector: Inspector): Promise<string> {
  const before = await inspector.javaScript();
  const { used, embedder, buffers } = await inspector.liveJavaScript();
  return [
    `JavaScript ${megabytes(used)} (with garbage ${megabytes(before.used)})`,
    `embedder ${megabytes(embedder)}`,
    `buffers ${megabytes(buffers)} (with garbage ${megabytes(before.buffers)})`,
  ].join(', ');
}

async function webAssemblyBytes(url: string): Promise<number> {
  const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(HEALTH_MILLISECONDS) });
  const { heap } = (await response.json()) as { readonly heap?: { readonly size: number } };
  return heap?.size ?? 0;
}

export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
