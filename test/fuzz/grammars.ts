/**
 * @module `node test/fuzz/grammars.ts --seed N --count N`: hostile grammars and choices, each compiled and read. Prints
 * the slowest ones and the heap. Exit code 1 if a compilation takes longer than the limit, or the heap grows.
 */
import { Command } from 'commander';
import { CompileBudget, ConstraintError } from '../../decoding/constraints/automaton/errors.ts';
import type { Frame } from '../../decoding/constraints/automaton/frame.ts';
import { compileChoice } from '../../decoding/constraints/grammar/choice.ts';
import { compileGrammar } from '../../decoding/constraints/grammar/gbnf.ts';
import { Draw } from '../support/draw.ts';
import { hostileChoices, hostileGrammar } from '../support/hostile-grammars.ts';
import { type Outcome, tryConstraint } from '../support/try-constraint.ts';

/** A garbage collection may fall into one run. */
const RUNS = 3;
/** Bytes that are read with each. */
const LENGTH = 50;
const SHOWN = 10;
const WARM_UP = 200;
/** Growth of the heap between the first and the last garbage collection. */
const MAX_GROWTH_MB = 10;

interface Measured {
  readonly seed: number;
  readonly ms: number;
  readonly source: string;
}

const options = new Command('node --expose-gc test/fuzz/grammars.ts')
  .description('Compiles hostile grammars and choices, and measures it.')
  .option('--seed <n>', 'first seed', Number, 0)
  .option('--count <n>', 'number of constraints', Number, 10_000)
  .option('--limit <ms>', 'longest compilation, in ms of processor time', Number, 50)
  .parse()
  .opts<{ seed: number; count: number; limit: number }>();

const outcomes: Record<Outcome, number> = { refused: 0, stopped: 0, read: 0 };
const [compiled, read]: [Measured[], Measured[]] = [[], []];
for (let seed = -WARM_UP; seed < 0; seed++) tryConstraint(new Draw(seed), LENGTH, constraintOf(seed).compile);
const before = heapMegabytes();
for (let seed = options.seed; seed < options.seed + options.count; seed++) {
  const { source, compile } = constraintOf(seed);
  const ms = leastTime(compile);
  keep(compiled, { seed, ms, source });
  const begin = milliseconds();
  outcomes[tryConstraint(new Draw(seed), LENGTH, compile)]++;
  keep(read, { seed, ms: milliseconds() - begin - ms, source });
}
const growth = heapMegabytes() - before;

console.log(`${options.count} constraints: ${JSON.stringify(outcomes)}; heap ${growth.toFixed(1)} MB larger`);
show('Slowest to compile', compiled);
show('Slowest to read', read);
process.exitCode = (compiled[0]?.ms ?? 0) > options.limit || growth > MAX_GROWTH_MB ? 1 : 0;

function constraintOf(seed: number): { source: string; compile: () => Frame[] } {
  const draw = new Draw(seed);
  if (draw.chance(0.2)) {
    const choices = hostileChoices(draw);
    return { source: JSON.stringify(choices), compile: () => compileChoice(choices, new CompileBudget()) };
  }
  const source = hostileGrammar(draw);
  return { source, compile: () => compileGrammar(source, new CompileBudget()) };
}

function leastTime(compile: () => void): number {
  let least = Infinity;
  for (let run = 0; run < RUNS && (run === 0 || least > options.limit / 5); run++) {
    const begin = milliseconds();
    try {
      compile();
    } catch (error) {
      if (!(error instanceof ConstraintError)) throw error;
    }
    least = Math.min(least, milliseconds() - begin);
  }
  return least;
}

/** Keeps the slowest ones, in order. */
function keep(slowest: Measured[], measured: Measured): void {
  slowest.push({ ...measured, source: measured.source.slice(0, 100) });
  slowest.sort((a, b) => b.ms - a.ms);
  slowest.length = Math.min(slowest.length, SHOWN);
}

function show(title: string, slowest: readonly Measured[]): void {
  console.log(`${title}:`);
  for (const { seed, ms, source } of slowest) {
    console.log(`  ${ms.toFixed(1)} ms, seed ${seed}: ${JSON.stringify(source)}`);
  }
}

/** Of this thread's processor time. */
function milliseconds(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

function heapMegabytes(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed / 1e6;
}
