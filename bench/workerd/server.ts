/** @module A Worker in a workerd of its own, bundled by wrangler from the project's configuration. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createTestHarness, unstable_readConfig } from 'wrangler';
import { ISOLATE_HEAP_BYTES } from '../../engine/model/plan.ts';
import { readProc } from '../resident.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** What an isolate has room for. */
export const ISOLATE_HEAP_MIB = ISOLATE_HEAP_BYTES / 2 ** 20;
/** GPT-2 124M at int8 does not fit there; nothing enforces that on this machine. */
export const LARGE_HEAP_MIB = 400;
// A lookup of where this machine is, which measuring does not need and a machine without network does not answer.
process.env.CLOUDFLARE_CF_FETCH_ENABLED = 'false';
process.env.WRANGLER_SEND_METRICS = 'false';

export interface Server {
  readonly url: URL;
  /** Its processes of workerd: one has the Worker, others are the tool's. None where they cannot be told. */
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
  const { name, compatibility_date, compatibility_flags, alias, vars } = config;
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
  const before = new Set(workerds());
  const { url } = await harness.listen();
  const pids = workerds().filter((pid) => !before.has(pid));
  return { url, pids, close: () => harness.close() };
}

/** The processes of workerd that this one has started. */
function workerds(): number[] {
  if (!existsSync('/proc')) return [];
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && isOurWorkerd(readProc(pid, 'status')));
}

function isOurWorkerd(status: string): boolean {
  return status.startsWith('Name:\tworkerd\n') && status.includes(`PPid:\t${process.pid}\n`);
}
