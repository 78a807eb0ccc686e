/** @module The machine and the versions of a benchmark run. */
import { readFileSync } from 'node:fs';
import { arch, cpus, platform, totalmem } from 'node:os';
import { join } from 'node:path';
import { type DotProduct, linearKernels } from '../engine/kernels/linear.ts';
import { kernelModules } from '../engine/node/load-engine.ts';

export interface Machine {
  readonly processor: string;
  /** How the kernels for quantized weights multiply on it. */
  readonly dotProduct: DotProduct;
  readonly cores: number;
  readonly memoryGib: number;
  readonly system: string;
  readonly versions: Readonly<Record<string, string>>;
}

export async function describeMachine(): Promise<Machine> {
  const processors = cpus();
  return {
    processor: processors[0]?.model ?? 'unknown',
    dotProduct: await dotProduct(),
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

async function dotProduct(): Promise<DotProduct> {
  const { linear } = await kernelModules();
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65_536 });
  return linearKernels(linear, memory).dotProduct;
}

/** The machine in one line. */
export function describe(machine: Machine): string {
  const { processor, dotProduct, cores, memoryGib, system, versions } = machine;
  const tools = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `${processor} (${dotProduct}), ${cores} cores, ${memoryGib} GiB, ${system}; ${tools.join(', ')}`;
}

/** Reads package.json as a file: not every package exports it. */
export function packageVersion(name: string, root = join(import.meta.dirname, '..')): string {
  const path = join(root, 'node_modules', name, 'package.json');
  return JSON.parse(readFileSync(path, 'utf8')).version;
}
