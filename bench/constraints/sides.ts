/**
 * @module The masks of JSON schemas, against npm's other packages for them: each in a process of its own, schema by
 * schema in turn, in the same vocabulary.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { ensureInstalled } from '../peers/packages.ts';
import { readCases } from './cases.ts';
import type { Judgement, Loaded, SideName } from './side-child.ts';

export const SIDE_NAMES = ['edgebeam', 'transformers', 'xgrammar'] as const satisfies readonly SideName[];

export interface ComparedSide {
  readonly name: SideName;
  readonly loaded: Loaded;
  /** One for each schema; undefined for a schema that was not judged in time, or ended the process. */
  readonly judgements: readonly (Judgement | undefined)[];
}

export interface ConstraintComparison {
  readonly schemas: number;
  readonly sides: readonly ComparedSide[];
}

export interface ComparisonPlan {
  /** In MaskBench's format. */
  readonly file: string;
  /** Schemas, evenly from the whole file. */
  readonly schemas: number;
  /** Minutes after which no more schemas are judged. */
  readonly minutes: number;
}

/** Longer than any schema that is of use. */
const PATIENCE_MILLISECONDS = 20_000;
const MINUTE_MILLISECONDS = 60_000;
/** Judged twice, the first time for V8 to optimize the code. */
const WARM_UP = 20;

/** @throws Error if the packages cannot be installed */
export async function compareConstraints({
  file,
  schemas,
  minutes,
}: ComparisonPlan): Promise<ConstraintComparison> {
  const problem = await ensureInstalled('constraints');
  if (problem) throw new Error(problem);
  const { length } = await readCases(file);
  const count = Math.min(schemas, length);
  const indices = Array.from({ length: count }, (_, i) => Math.floor((i * length) / count));
  const children = await Promise.all(SIDE_NAMES.map((name) => SideChild.start(name, file)));
  const judgements: (Judgement | undefined)[][] = SIDE_NAMES.map(() => []);
  const loaded = children.map((child) => child.loaded);
  const end = performance.now() + minutes * MINUTE_MILLISECONDS;
  try {
    for (const index of indices.slice(0, WARM_UP)) {
      for (const child of children) await child.judge(index);
    }
    for (const index of indices) {
      if (performance.now() > end) break;
      for (const [i, child] of children.entries()) judgements[i]?.push(await child.judge(index));
    }
  } finally {
    for (const child of children) child.stop();
  }
  return {
    schemas: judgements[0]?.length ?? 0,
    sides: SIDE_NAMES.map((name, i) => ({
      name,
      loaded: loaded[i] as Loaded,
      judgements: judgements[i] as (Judgement | undefined)[],
    })),
  };
}

/** A process that is started again when a schema has ended it, or takes too long. */
class SideChild {
  readonly #name: SideName;
  readonly #file: string;
  #process: ChildProcess;
  readonly loaded: Loaded;

  private constructor(name: SideName, file: string, process: ChildProcess, loaded: Loaded) {
    this.#name = name;
    this.#file = file;
    this.#process = process;
    this.loaded = loaded;
  }

  static async start(name: SideName, file: string): Promise<SideChild> {
    const process = spawn(name, file);
    const loaded = (await answerOf(process)) as Loaded | undefined;
    if (!loaded) throw new Error(`${name} does not start`);
    return new SideChild(name, file, process, loaded);
  }

  async judge(index: number): Promise<Judgement | undefined> {
    const answer = answerOf(this.#process);
    this.#process.send(index);
    const judgement = await Promise.race([
      answer,
      setTimeout(PATIENCE_MILLISECONDS, undefined, { ref: false }),
    ]);
    if (judgement) return judgement as Judgement;
    this.stop();
    this.#process = spawn(this.#name, this.#file);
    await answerOf(this.#process);
    return undefined;
  }

  stop(): void {
    this.#process.kill();
  }
}

function spawn(name: SideName, file: string): ChildProcess {
  return fork(join(import.meta.dirname, 'side-child.ts'), [name, file], {
    execArgv: ['--expose-gc'],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
}

/** @returns undefined if the process ends instead */
function answerOf(process: ChildProcess): Promise<unknown> {
  return new Promise((resolve) => {
    const onMessage = (message: unknown) => {
      process.off('exit', onExit);
      resolve(message);
    };
    const onExit = () => {
      process.off('message', onMessage);
      resolve(undefined);
    };
    process.once('message', onMessage).once('exit', onExit);
  });
}
