/** @module The machine and the versions of a benchmark run. */
import { readFileSync } from 'node:fs';
import { arch, cpus, platform, totalmem } from 'node:os';
import { join } from 'node:path';
import { type KernelModule, wasmPath } from '../engine/kernels/build.ts';
import { type DotProduct, hasRelaxedSimd, linearKernels } from '../engine/kernels/linear.ts';

export interface Machine {
  readonly processor: string;
  /** How the kernels for quantized weights multiply on it. */
  readonly dotProduct: DotProduct;
  readonly cores: number;
  readonly memoryGib: number;
  readonly system: string;
  readonly versions: Readonly<Record<string, string>>;
}

export function describeMachine(): Machine {
  const processors = cpus();
  return {
    processor: processors[0]?.model ?? 'unknown',
    dotProduct: dotProduct(),
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

function dotProduct(): DotProduct {
  if (!hasRelaxedSimd()) return 'plain';
  const compile = (module: KernelModule) => new WebAssembly.Module(readFileSync(wasmPath(module)));
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65_536, shared: true });
  return linearKernels({ dot: compile('linear-dot'), relaxed: compile('linear-relaxed') }, memory).dotProduct;
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
