/** @module Runs a Worker in its own workerd, bundled by wrangler from the project's configuration. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createTestHarness, unstable_readConfig } from 'wrangler';
import { ISOLATE_HEAP_BYTES } from '../../engine/model/plan.ts';
import { readProc } from '../resident.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** The Worker of the usual layout. */
export const USUAL_WORKER = 'bench/workerd/usual.ts';
/** The heap maximum of an isolate. */
export const ISOLATE_HEAP_MIB = ISOLATE_HEAP_BYTES / 2 ** 20;
/** For GPT-2 124M at int8, which does not fit an isolate; a local workerd does not enforce the limit. */
export const LARGE_HEAP_MIB = 400;
// Disables wrangler's lookup of the machine's location: unnecessary here, and impossible without a network.
process.env.CLOUDFLARE_CF_FETCH_ENABLED = 'false';
process.env.WRANGLER_SEND_METRICS = 'false';

export interface Server {
  readonly url: URL;
  /** Its workerd processes: one runs the Worker, the others belong to wrangler. Empty without /proc. */
  readonly pids: readonly number[];
  close(): Promise<void>;
}

/**
 * @param main the Worker, relative to the root
 * @param assets folder of the static assets
 * @param heapMib the heap's maximum
 */
export async function startServer(main: string, assets: string, heapMib = LARGE_HEAP_MIB): Promise<Server> {
  const config = unstable_readConfig({ config: join(ROOT, 'wrangler.toml') });
  const { name, compatibility_date, alias, vars } = config;
  // The usual layout runs on onnxruntime's own JavaScript, which imports Node's modules.
  const compatibility_flags = main === USUAL_WORKER ? ['nodejs_compat'] : config.compatibility_flags;
  const harness = createTestHarness({
    root: ROOT,
    workers: [
      {
        config: {
          name,
          main: join(ROOT, main),
          compatibility_date,
          compatibility_flags,
          alias,
          assets: { directory: assets, binding: 'ASSETS', run_worker_first: true },
          vars: { ...vars, HEAP_MIB: heapMib },
        },
      },
    ],
  });
  const before = new Set(childWorkerdPids());
  const { url } = await harness.listen();
  const pids = childWorkerdPids().filter((pid) => !before.has(pid));
  return { url, pids, close: () => harness.close() };
}

/** The workerd processes that this process has started. */
function childWorkerdPids(): number[] {
  if (!existsSync('/proc')) return [];
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && isChildWorkerd(readProc(pid, 'status')));
}

function isChildWorkerd(status: string): boolean {
  return status.startsWith('Name:\tworkerd\n') && status.includes(`PPid:\t${process.pid}\n`);
}
