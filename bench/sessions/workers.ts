/**
 * @module Workers as Cloudflare may run them, in one workerd: fronts with an isolate each, and the objects of sessions in
 * an isolate of their own. In a single script the objects would share its isolate here.
 */
import { join } from 'node:path';
import { createTestHarness, type TestHarness, unstable_readConfig } from 'wrangler';

const ROOT = join(import.meta.dirname, '..', '..');
const OBJECTS = 'objects';
process.env.CLOUDFLARE_CF_FETCH_ENABLED = 'false';
process.env.WRANGLER_SEND_METRICS = 'false';

export interface SessionWorkers {
  /** @param assets folder of the model @param fronts names of the Workers that requests arrive at */
  readonly assets: string;
  readonly fronts: readonly string[];
  /** Whether sessions go to objects. */
  readonly sessions: boolean;
  readonly vars?: Readonly<Record<string, string | number>>;
}

export function sessionWorkers({ assets, fronts, sessions, vars }: SessionWorkers): TestHarness {
  const config = unstable_readConfig({ config: join(ROOT, 'wrangler.toml') });
  const { compatibility_date, compatibility_flags, alias } = config;
  const worker = (name: string) => ({
    name,
    main: join(ROOT, 'worker', 'index.ts'),
    compatibility_date,
    compatibility_flags,
    alias,
    assets: { directory: assets, binding: 'ASSETS', run_worker_first: true },
    vars: { ...config.vars, ...vars },
  });
  const binding = { name: 'EDGEBEAM_SESSIONS', class_name: 'EdgebeamSession' };
  const toObjects = { durable_objects: { bindings: [{ ...binding, script_name: OBJECTS }] } };
  const objects = {
    ...worker(OBJECTS),
    durable_objects: { bindings: [binding] },
    migrations: [{ tag: 'sessions', new_sqlite_classes: [binding.class_name] }],
  };
  return createTestHarness({
    root: ROOT,
    workers: [
      ...fronts.map((name) => ({ config: { ...worker(name), ...(sessions && toObjects) } })),
      ...(sessions ? [{ config: objects }] : []),
    ],
  });
}
