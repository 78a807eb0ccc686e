/**
 * @module `npm run bench:peers`: edgebeam and its peers on GPT-2 124M with random weights, one thread, on
 * this machine.
 */
import { writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { manifestSchema, type Precision } from '../../model-assets/format/manifest.ts';
import { describeMachine } from '../machine.ts';
import { writeToPage } from '../page.ts';
import { type Agreement, checkAgreement, makeReference } from './agreement.ts';
import { buildPages } from './browser/site.ts';
import { ensurePeerModels } from './models.ts';
import type { Peer } from './peer.ts';
import { allPeers, EDGEBEAM_NODE } from './peers.ts';
import { plot } from './plot.ts';
import { readTokenizer, wordPrompt } from './prompts.ts';
import { type PeersReport, report } from './report.ts';
import { FULL, measurePeers, QUICK } from './schedule.ts';
import { peerVersions } from './versions.ts';

const PLOT = 'peers.svg';

interface Options {
  readonly precision: Precision;
  readonly only?: string;
  readonly quick?: true;
  readonly json?: string;
  readonly write?: true;
}

const options = new Command('npm run bench:peers --')
  .description('Measures edgebeam against transformers.js, wllama, llama.cpp, ONNX Runtime and PyTorch.')
  .addOption(
    new Option('--precision <precision>', "edgebeam's precision; each peer has its own")
      .choices(manifestSchema.shape.precision.options)
      .default('int4'),
  )
  .option('--only <text>', 'edgebeam, and the peers whose name contains this text')
  .option('--quick', 'few calls: checks that it works; the figures are not reliable')
  .option('--json <file>', 'write every single figure to this file')
  .option('--write', `update the tables of docs/benchmarks.md, and the plot, docs/${PLOT}`)
  .parse()
  .opts<Options>();

await run(options);

async function run({ precision, only, quick, json, write }: Options): Promise<void> {
  const { peers, missing } = await selectPeers(allPeers(precision), only);
  const loadBefore = loadavg()[0] ?? 0;
  const agreements = await checkAll(peers, precision);
  log('the models');
  const models = await ensurePeerModels('gpt2', precision);
  if (peers.some(isInBrowser)) await buildPages(models.served);
  const tokenizer = await readTokenizer(models.edgebeam);
  const makePrompt = (tokens: number) => wordPrompt(tokenizer, tokens);
  const results = await measurePeers(peers, models, makePrompt, quick ? QUICK : FULL, log);
  const machine = await describeMachine();
  const peersReport: PeersReport = {
    command: commandOf({ precision, ...(only ? { only } : {}), ...(quick ? { quick } : {}) }),
    machine: { ...machine, versions: { ...machine.versions, ...(await peerVersions(peers)) } },
    load: [loadBefore, loadavg()[0] ?? 0],
    missing,
    agreements,
    results,
  };
  const text = `${report(peersReport)}\n`;
  console.log(text);
  if (json) await writeFile(json, `${JSON.stringify(peersReport, null, 2)}\n`);
  if (!write) return;
  await writeFile(join(import.meta.dirname, '..', '..', 'docs', PLOT), plot(results));
  await writeToPage('measured: peers', `${text}\n![the settled figures as bars](${PLOT})\n`);
}

/** The peers that can run here, and the reasons why others cannot. */
async function selectPeers(all: readonly Peer[], only: string | undefined) {
  const peers: Peer[] = [];
  const missing: { name: string; reason: string }[] = [];
  for (const peer of all) {
    if (only && peer.name !== EDGEBEAM_NODE && !peer.name.includes(only)) continue;
    const reason = await peer.missing();
    if (reason) missing.push({ name: `${peer.name}, ${peer.precision}`, reason });
    else peers.push(peer);
  }
  return { peers, missing };
}

async function checkAll(peers: readonly Peer[], precision: Precision): Promise<Record<string, Agreement>> {
  const models = await ensurePeerModels('default', precision);
  if (peers.some(isInBrowser)) await buildPages(models.served);
  const reference = await makeReference();
  const agreements: Record<string, Agreement> = {};
  for (const peer of peers) {
    log(`the results of ${peer.name}`);
    agreements[`${peer.name}, ${peer.precision}`] = await checkAgreement(peer, models, reference);
  }
  return agreements;
}

function isInBrowser({ name }: Peer): boolean {
  return name.includes('Chromium');
}

function commandOf(options: Options): string {
  const { precision, only, quick } = options;
  const parts = [
    ...(precision === 'int4' ? [] : ['--precision', precision]),
    ...(only ? ['--only', JSON.stringify(only)] : []),
    ...(quick ? ['--quick'] : []),
  ];
  return ['npm run bench:peers', ...(parts.length > 0 ? ['--', ...parts] : [])].join(' ');
}

function log(activity: string): void {
  console.error(`… ${activity}`);
}
