/** @module transformers on PyTorch, in the Python of the environment variable `PYTHON`. */
import { execFile, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import type { PeerModels } from './models.ts';
import type { RunningPeer } from './peer.ts';
import type { Reply } from './protocol.ts';

export type PythonPrecision = 'f32' | 'int8';

const PYTHON = process.env.PYTHON ?? 'python3';
const REQUIREMENTS = 'torch==2.13.0 transformers==5.18.0';

/** Versions by package; null if a package is not installed. */
export async function pythonVersions(): Promise<Record<string, string> | null> {
  const script =
    'import importlib.metadata as m, json, platform; print(json.dumps({"Python": platform.python_version(), ' +
    '"PyTorch": m.version("torch"), "transformers": m.version("transformers")}))';
  try {
    return JSON.parse((await promisify(execFile)(PYTHON, ['-c', script])).stdout);
  } catch {
    return null;
  }
}

export async function missingPython(): Promise<string | null> {
  if (await pythonVersions()) return null;
  return `${PYTHON} has no PyTorch and transformers: \`pip install ${REQUIREMENTS}\`, and set PYTHON to that Python`;
}

export async function startPythonPeer(
  precision: PythonPrecision,
  { checkpoint }: PeerModels,
): Promise<RunningPeer> {
  const begin = performance.now();
  const child = spawn(PYTHON, [join(import.meta.dirname, 'pytorch.py'), precision], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // No downloads.
    env: { ...process.env, HF_HUB_OFFLINE: '1' },
  });
  let stderrTail = '';
  child.stderr.on('data', (text: Buffer) => {
    stderrTail = `${stderrTail}${text}`.slice(-2000);
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const nextLine = async (): Promise<object> => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`Python exited: ${stderrTail}`);
    return JSON.parse(value);
  };
  const ask = (request: object) => {
    child.stdin.write(`${JSON.stringify(request)}\n`);
    return nextLine();
  };
  await nextLine();
  return {
    startMilliseconds: performance.now() - begin,
    pids: () => (child.pid === undefined ? [] : [child.pid]),
    async load() {
      await ask({ load: checkpoint });
    },
    perform: async (task) => (await ask({ task })) as Reply,
    async close() {
      if (child.exitCode !== null) return;
      const exited = new Promise((resolve) => child.once('exit', resolve));
      child.stdin.end();
      await exited;
    },
  };
}
