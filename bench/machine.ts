/** @module The machine and the versions of a benchmark run. */
import { readFileSync } from 'node:fs';
import { arch, cpus, platform, totalmem } from 'node:os';
import { join } from 'node:path';

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGib: number;
  readonly system: string;
  readonly versions: Readonly<Record<string, string>>;
}

export function describeMachine(): Machine {
  const processors = cpus();
  return {
    processor: processors[0]?.model ?? 'unknown',
    cores: processors.length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${arch()}`,
    versions: {
      Node: process.versions.node,
      workerd: packageVersion('workerd'),
      'onnxruntime-web': packageVersion('onnxruntime-web'),
    },
  };
}

/** The machine in one line. */
export function describe({ processor, cores, memoryGib, system, versions }: Machine): string {
  const tools = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `${processor}, ${cores} cores, ${memoryGib} GiB, ${system}; ${tools.join(', ')}`;
}

/** Reads package.json as a file: not every package exports it. */
export function packageVersion(name: string, root = join(import.meta.dirname, '..')): string {
  const path = join(root, 'node_modules', name, 'package.json');
  return JSON.parse(readFileSync(path, 'utf8')).version;
}
