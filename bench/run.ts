/**
 * @module `npm run bench`: edgebeam against the usual layout of GPT-2 in onnxruntime-web, on this machine.
 */
import { writeFile } from 'node:fs/promises';
import { Command, Option } from 'commander';
import { measureBreakdown } from './breakdown.ts';
import { measureColdStarts } from './cold-start.ts';
import { measureConcurrency } from './concurrency/measure.ts';
import { benchConstraints } from './constraints/bench.ts';
import { measureConcurrentSchemas } from './constraints/concurrent.ts';
import { compareConstraints } from './constraints/sides.ts';
import { reportComparison } from './constraints/sides-report.ts';
import { measureConstrainedSteps } from './constraints/steps.ts';
import { reportConstrained } from './constraints/steps-report.ts';
import { measureDecoding } from './decoding.ts';
import { measureLongTexts, reportLongTexts } from './long-texts.ts';
import { describe, describeMachine } from './machine.ts';
import { FULL, measure, QUICK } from './measure.ts';
import { ensureInt4Model, ensureInt8Models } from './models.ts';
import { startInNode } from './node/contestant.ts';
import { writeToPage } from './page.ts';
import { report } from './report.ts';
import { measureScoring, reportScoring } from './score.ts';
import { startInWorkerd } from './workerd/contestant.ts';

/** The parts about constraints, scoring and long texts run only if they are named: `constraints` needs cases. */
const ONLY = [
  'node',
  'workerd',
  'breakdown',
  'decoding',
  'cold',
  'concurrency',
  'constraints',
  'constrained',
  'score',
  'long',
] as const;

/** Of the comparison with other packages. */
const COMPARED = { schemas: 200, minutes: 30 };

interface Options {
  readonly only?: (typeof ONLY)[number];
  readonly quick?: true;
  readonly cases?: string;
  readonly peers?: number | true;
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
  .option(
    '--peers [schemas]',
    "constraints: npm's other packages beside it, on so many of the schemas (default: 200)",
    Number,
  )
  .option('--json <file>', 'write every single timing to this file')
  .option('--write', 'update the tables of docs/benchmarks.md')
  .parse()
  .opts<Options>();

if (options.only === 'constraints') await runConstraints(options);
else if (options.only === 'constrained') await runConstrained(options);
else if (options.only === 'score') await runScoring(options);
else if (options.only === 'long') await runLong(options);
else await run(options);

async function runConstraints({ cases, quick, json, peers }: Options): Promise<void> {
  if (cases === undefined) throw new Error('the part constraints needs --cases FILE.jsonl.gz');
  const machine = `On ${describe(await describeMachine())}.`;
  if (peers !== undefined) {
    const schemas = peers === true ? COMPARED.schemas : peers;
    const comparison = await compareConstraints({ ...COMPARED, schemas, file: cases });
    console.log(`${machine}\n\n${reportComparison(comparison)}`);
    if (json) await writeFile(json, `${JSON.stringify(comparison, null, 2)}\n`);
    return;
  }
  const { text, results } = await benchConstraints(cases, quick === true);
  console.log(`${machine}\n\n${text}`);
  if (json) await writeFile(json, `${JSON.stringify(results, null, 2)}\n`);
}

async function runConstrained({ quick, json }: Options): Promise<void> {
  await ensureInt4Model();
  const steps = await measureConstrainedSteps(quick ? { rounds: 1, tokens: 48 } : { rounds: 3, tokens: 96 });
  const concurrent = await measureConcurrentSchemas({ rounds: quick ? 1 : 5, tokens: 80 });
  console.log(`On ${describe(await describeMachine())}.\n\n${reportConstrained(steps, concurrent)}`);
  if (json) await writeFile(json, `${JSON.stringify({ steps, concurrent }, null, 2)}\n`);
}

async function runScoring({ quick, json }: Options): Promise<void> {
  await ensureInt4Model();
  const results = await (quick ? measureScoring(1, 3) : measureScoring(5, 10));
  console.log(`On ${describe(await describeMachine())}.\n\n${reportScoring(results)}`);
  if (json) await writeFile(json, `${JSON.stringify(results, null, 2)}\n`);
}

async function runLong({ quick, json }: Options): Promise<void> {
  await ensureInt4Model();
  const texts = await measureLongTexts(quick ? 1400 : 4000);
  console.log(`On ${describe(await describeMachine())}.\n\n${reportLongTexts(texts)}`);
  if (json) await writeFile(json, `${JSON.stringify(texts, null, 2)}\n`);
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
    machine: await describeMachine(),
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
