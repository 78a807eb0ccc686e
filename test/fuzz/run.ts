/**
 * @module `node test/fuzz/run.ts --seed N --requests N`: random requests to every route, whose answers are judged.
 * Exit code 1 if an answer is wrong, or the server still holds something at the end.
 */
import { Command, InvalidArgumentError } from 'commander';
import { Inspector } from '../../bench/memory/inspector.ts';
import { type DevServer, startDevServer } from '../../worker/dev/child-server.ts';
import { freePort } from '../../worker/dev/ports.ts';
import { ensureAdapterModel } from '../support/adapter-model.ts';
import { ADAPTERS_INT8 } from '../support/models.ts';
import { type CampaignResult, runCampaign, smallest } from './campaign.ts';
import { curl } from './failures.ts';
import { describeIsolate, type MemorySample, megabytes, residentBytesOf } from './server-memory.ts';

interface Options {
  readonly seed: number;
  readonly requests: number;
  readonly from: number;
  readonly concurrency: number;
  readonly minutes?: number;
  readonly url?: string;
  readonly adapters?: true;
  readonly long?: true;
}

const MAX_SHOWN = 1500;

const options = new Command('node test/fuzz/run.ts')
  .description('Sends random requests to every route of /openapi.json, and judges each answer.')
  .option('--seed <n>', 'seed of the requests', wholeNumber, 1)
  .option('--requests <n>', 'number of requests', wholeNumber, 1000)
  .option('--from <n>', 'number of the first request', wholeNumber, 0)
  .option('--concurrency <n>', 'requests at the same time', wholeNumber, 8)
  .option('--minutes <m>', 'ends after this time at the latest', wholeNumber)
  .option('--url <url>', 'a server that runs already (default: starts one)')
  .option(
    '--adapters',
    'half of the requests name an adapter (starts a server with some, unless there is --url)',
  )
  .option('--long', 'half of the texts are longer than the context')
  .parse()
  .opts<Options>();

process.exitCode = await run(options);

async function run(options: Options): Promise<number> {
  if (options.url !== undefined) return await fuzz(options.url, options);
  const inspectorPort = await freePort();
  if (options.adapters) await ensureAdapterModel();
  const model = options.adapters ? ['--model', ADAPTERS_INT8] : [];
  await using server = await startDevServer(...model, '--', '--inspector-port', String(inspectorPort));
  await fetch(`${server.url}/health/ready`);
  using inspector = await Inspector.connect(inspectorPort);
  console.log(`Isolate at the start: ${await describeIsolate(server.url, inspector)}`);
  const code = await fuzz(server.url, options, server);
  console.log(`Isolate at the end: ${await describeIsolate(server.url, inspector)}`);
  return code;
}

async function fuzz(url: string, options: Options, server?: DevServer): Promise<number> {
  const begin = performance.now();
  const samples: MemorySample[] = [];
  const result = await runCampaign({
    ...options,
    url,
    focus: { adapters: options.adapters && (await adaptersOf(url)), isLong: options.long },
    // A run that is interrupted has no report.
    onNewKind: ({ index, fault }) =>
      process.stderr.write(`FAILURE, request ${index}: ${fault.slice(0, MAX_SHOWN)}\n`),
    onProgress: (sent) => {
      const seconds = Math.round((performance.now() - begin) / 1000);
      const resident = server ? residentBytesOf(server.pid) : null;
      samples.push({ sent, seconds, residentBytes: resident });
      process.stderr.write(`${sent} requests, ${seconds} s${resident ? `, ${megabytes(resident)}` : ''}\n`);
    },
  });
  report(result, samples);
  const requests = await smallest(result, url);
  for (const [i, request] of requests.entries()) console.log(`\n${i + 1}. ${curl(url, request)}`);
  return result.failures.count > 0 || result.held !== null ? 1 : 0;
}

async function adaptersOf(url: string): Promise<string[]> {
  const { data } = (await (await fetch(`${url}/v1/models`)).json()) as {
    data: { id: string; parent: string | null }[];
  };
  return data.flatMap(({ id, parent }) => (parent === null ? [] : [id]));
}

function report({ sent, counts, failures, held }: CampaignResult, samples: readonly MemorySample[]): void {
  console.log(`\n${sent} requests with seed ${options.seed} from ${options.from}`);
  for (const [route, byStatus] of [...counts].sort()) {
    const statuses = [...byStatus].sort().map(([status, count]) => `${status}: ${count}`);
    console.log(`  ${route.padEnd(30)} ${statuses.join(', ')}`);
  }
  const resident = samples.filter((sample) => sample.residentBytes !== null);
  if (resident.length > 0) {
    console.log('Resident memory of workerd:');
    for (const sample of everyTenth(resident))
      console.log(
        `  after ${sample.sent} requests, ${sample.seconds} s: ${megabytes(sample.residentBytes ?? 0)}`,
      );
  }
  console.log(
    held === null ? 'Afterwards the server holds nothing.' : `FAILURE: the server still holds ${held}`,
  );
  console.log(`${failures.count} failures of ${failures.kinds.length} kinds`);
  for (const [i, { first, count }] of failures.kinds.entries())
    console.log(
      `\n${i + 1}. ${count} times, first request ${first.index}:\n${first.fault.slice(0, MAX_SHOWN)}`,
    );
}

/** About ten of the samples, with the first and the last. */
function everyTenth<T>(samples: readonly T[]): T[] {
  const step = Math.max(1, Math.floor(samples.length / 10));
  return samples.filter((_, i) => i % step === 0 || i === samples.length - 1);
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('It must be a whole number.');
  return value;
}
