/** @module The part `constraints` of `npm run bench`: JSON schemas of real programs, each with instances. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { readCases } from './cases.ts';
import { type ConstraintFigures, measureConstraints } from './measure.ts';
import { reportConstraints } from './report.ts';
import { loadGpt2 } from './vocabulary.ts';

/** With `quick`, every so many-th schema. */
const QUICK_STRIDE = 20;

/** @param file in MaskBench's format */
export async function benchConstraints(
  file: string,
  quick: boolean,
): Promise<{ text: string; results: readonly ConstraintFigures[] }> {
  exposeGarbageCollection();
  const all = await readCases(file);
  const cases = quick ? all.filter((_, i) => i % QUICK_STRIDE === 0) : all;
  const vocabulary = await loadGpt2();
  const results = [
    measureConstraints(cases, vocabulary, 'any'),
    measureConstraints(cases, vocabulary, 'schema'),
  ];
  return { text: reportConstraints(results), results };
}

function exposeGarbageCollection(): void {
  setFlagsFromString('--expose-gc');
  (globalThis as { gc?: () => void }).gc = runInNewContext('gc') as () => void;
}
