/**
 * @module `npm run bench`: edgebeam against the usual layout of GPT-2 in onnxruntime-web, on this machine.
 */
import { writeFile } from 'node:fs/promises';
import { Command, Option } from 'commander';
import { measureBreakdown } from './breakdown.ts';
import { measureColdStarts } from './cold-start.ts';
import { measureConcurrency } from './concurrency/measure.ts';
import { benchConstraints } from './constraints/bench.ts';
import { measureDecoding } from './decoding.ts';
import { describe, describeMachine } from './machine.ts';
import { FULL, measure, QUICK } from './measure.ts';
import { ensureInt4Model, ensureInt8Models } from './models.ts';
import { startInNode } from './node/contestant.ts';
import { writeToPage } from './page.ts';
import { report } from './report.ts';
import { startInWorkerd } from './workerd/contestant.ts';

/** Part `constraints` needs cases, and so runs only if it is named. */
const ONLY = ['node', 'workerd', 'breakdown', 'decoding', 'cold', 'concurrency', 'constraints'] as const;

interface Options {
  readonly only?: (typeof ONLY)[number];
  readonly quick?: true;
  readonly cases?: string;
  readonly json?: string;
  readonly write?: true;
}

const options = new Command('npm run bench --')
  .description(
    'Measures edgebeam against the usual layout of GPT-2 124M in onnxruntime-web, with random weights.',
  )
  .addOption(new Option('--only <part>', 'run one part').choices(ONLY))
  .option('--quick', 'few calls: checks that it works; the figures are not reliable')
  .option(
    '--cases <file>',
    "schemas with instances for the part constraints: MaskBench's JSON lines, may be .gz",
  )
  .option('--json <file>', 'write every single timing to this file')
  .option('--write', 'update the tables of docs/benchmarks.md')
  .parse()
  .opts<Options>();

if (options.only === 'constraints') await runConstraints(options);
else await run(options);

async function runConstraints({ cases, quick, json }: Options): Promise<void> {
  if (cases === undefined) throw new Error('the part constraints needs --cases FILE.jsonl.gz');
  const { text, results } = await benchConstraints(cases, quick === true);
  console.log(`On ${describe(describeMachine())}.\n\n${text}`);
  if (json) await writeFile(json, `${JSON.stringify(results, null, 2)}\n`);
}

async function run({ only, quick, json, write }: Options): Promise<void> {
  const plan = quick ? QUICK : FULL;
  await ensureInt4Model();
  await ensureInt8Models();
  const results = {
    command: [
      'npm run bench',
      ...(only || quick ? ['--'] : []),
      ...(only ? ['--only', only] : []),
      ...(quick ? ['--quick'] : []),
    ].join(' '),
    machine: describeMachine(),
    measurements: [
      ...(isSelected('node') ? [await measure('Node', startInNode(), plan)] : []),
      ...(isSelected('node')
        ? [await measure('Node with bounds checks', startInNode('--disable-wasm-trap-handler'), plan)]
        : []),
      ...(isSelected('workerd') ? [await measure('workerd', startInWorkerd, plan)] : []),
    ],
    breakdown: isSelected('breakdown') ? await measureBreakdown(plan.warmUps[0], 5 * plan.callsPerBlock) : [],
    decoding: isSelected('decoding') ? await measureDecoding(plan) : [],
    coldStarts: isSelected('cold') ? await measureColdStarts(plan.starts) : [],
    concurrency: isSelected('concurrency') ? await measureConcurrency(quick === true) : [],
  };
  const text = report(results);
  console.log(text);
  if (json) await writeFile(json, `${JSON.stringify(results, null, 2)}\n`);
  if (write && only !== 'concurrency') await writeToPage('measured', report({ ...results, concurrency: [] }));
  if (write && results.concurrency.length > 0) {
    const none = { measurements: [], breakdown: [], decoding: [], coldStarts: [] };
    await writeToPage('measured: concurrency', report({ ...results, ...none }));
  }

  function isSelected(part: NonNullable<Options['only']>): boolean {
    return only === undefined || only === part;
  }
}
