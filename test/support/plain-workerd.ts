/**
 * @module The bundled Worker in a workerd of its own, without wrangler. Clients connect to workerd itself, so
 * that it sees when they disconnect, as on Cloudflare.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { build } from 'esbuild';
import { unstable_readConfig } from 'wrangler';
import { freePort } from '../../worker/dev/ports.ts';

const CALLER_MODULE = 'caller.js';
const ROOT = join(import.meta.dirname, '..', '..');
/** The path of workerd's program. The package has no types. */
const { default: WORKERD } = createRequire(import.meta.url)('workerd') as { readonly default: string };

export interface PlainWorkerd extends AsyncDisposable {
  readonly url: string;
  /** Of the Worker that calls the first one. */
  readonly callerUrl: string;
}

export type Settings = Readonly<Record<string, number | string>>;

/**
 * @param model folder of a converted model
 * @param settings in place of those in wrangler.toml
 * @param options.caller the source of a Worker whose binding LLM is the first one's entrypoint
 * @param options.sessions whether requests of sessions go to objects, which are in the same isolate
 * @throws Error when the Worker cannot be bundled or started
 */
export async function startPlainWorkerd(
  model: string,
  settings: Settings = {},
  { caller, sessions = false }: { readonly caller?: string; readonly sessions?: boolean } = {},
): Promise<PlainWorkerd> {
  const folder = await mkdtemp(join(tmpdir(), 'plain-workerd-'));
  await bundle(folder, model);
  if (caller !== undefined) await bundleCaller(folder, caller);
  const [port, callerPort] = [await freePort(), await freePort()];
  const text = await configuration(folder, model, [port, callerPort], settings, sessions);
  await writeFile(join(folder, 'config.capnp'), text);
  const child = spawn(WORKERD, ['serve', 'config.capnp'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const url = `http://127.0.0.1:${port}`;
  while (!(await fetch(`${url}/health/ready`).catch(() => undefined))?.ok) {
    if (child.exitCode !== null) throw new Error(`workerd exited with code ${child.exitCode}`);
    await setTimeout(50);
  }
  return {
    url,
    callerUrl: `http://127.0.0.1:${callerPort}`,
    async [Symbol.asyncDispose]() {
      child.kill();
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      await rm(folder, { recursive: true });
    },
  };
}

async function bundle(folder: string, model: string): Promise<void> {
  const script = join(ROOT, 'node_modules', 'wrangler', 'bin', 'wrangler.js');
  const args = [script, 'deploy', '--dry-run', '--outdir', folder, '--assets', model];
  const env = { ...process.env, CLOUDFLARE_CF_FETCH_ENABLED: 'false', WRANGLER_SEND_METRICS: 'false' };
  const child = spawn(process.execPath, args, { cwd: ROOT, env, stdio: ['ignore', 'ignore', 'inherit'] });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`wrangler exited with code ${code}`);
}

async function bundleCaller(folder: string, caller: string): Promise<void> {
  await build({ entryPoints: [caller], outfile: join(folder, CALLER_MODULE), bundle: true, format: 'esm' });
}

/** workerd's configuration of the project's Worker, with the model's folder in place of the assets. */
async function configuration(
  folder: string,
  model: string,
  [port, callerPort]: readonly [number, number],
  settings: Settings,
  sessions: boolean,
): Promise<string> {
  const { compatibility_date, compatibility_flags, vars } = unstable_readConfig({
    config: join(ROOT, 'wrangler.toml'),
  });
  const moduleOf = (name: string) => {
    const kind = name.endsWith('.wasm') ? 'wasm' : 'text';
    return `(name = "${name}", ${kind} = embed "${name}")`;
  };
  const others = (await readdir(folder)).filter((name) => /\.(wasm|txt|html)$/.test(name));
  const hasCaller = existsSync(join(folder, CALLER_MODULE));
  const bindings = Object.entries({ ...vars, ...settings }).map(
    ([name, value]) => `(name = "${name}", json = ${JSON.stringify(JSON.stringify(value))})`,
  );
  if (sessions) bindings.push('(name = "EDGEBEAM_SESSIONS", durableObjectNamespace = "EdgebeamSession")');
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "worker", worker = .worker),
    (name = "model", disk = ${JSON.stringify(model)}),
    ${hasCaller ? '(name = "caller", worker = .caller),' : ''}
  ],
  sockets = [
    (name = "http", address = "127.0.0.1:${port}", http = (), service = "worker"),
    ${hasCaller ? `(name = "calls", address = "127.0.0.1:${callerPort}", http = (), service = "caller"),` : ''}
  ],
);
const worker :Workerd.Worker = (
  modules = [${['(name = "index.js", esModule = embed "index.js")', ...others.map(moduleOf)].join(', ')}],
  compatibilityDate = "${compatibility_date}",
  compatibilityFlags = ${JSON.stringify(compatibility_flags)},
  bindings = [(name = "ASSETS", service = "model"), ${bindings.join(', ')}],
  durableObjectNamespaces = [(className = "EdgebeamSession", uniqueKey = "sessions")],
  durableObjectStorage = (inMemory = void),
);
${hasCaller ? callerOf(compatibility_date) : ''}`;
}

const callerOf = (compatibilityDate: string) => `const caller :Workerd.Worker = (
  modules = [(name = "${CALLER_MODULE}", esModule = embed "${CALLER_MODULE}")],
  compatibilityDate = "${compatibilityDate}",
  compatibilityFlags = ["enable_request_signal"],
  bindings = [(name = "LLM", service = (name = "worker", entrypoint = "Edgebeam"))],
);
`;
