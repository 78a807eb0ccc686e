/**
 * @module `node bench/catalogue/run.ts`: 100,000 entries of five tokens, searched by 50 beams, with GPT-2 124M at int4
 * (random weights) and with the embedded model, in Node, and by HTTP in a workerd of its own and in that of `npm start`.
 */
import { Command } from 'commander';
import { exampleTitles } from '../../model-assets/catalogue/example-titles.ts';
import { DEFAULT_MODEL, ensureDefaultModel } from '../../model-assets/ensure.ts';
import { startPlainWorkerd } from '../../test/support/plain-workerd.ts';
import { startDevServer } from '../../worker/dev/child-server.ts';
import { median } from '../format.ts';
import { describe, describeMachine } from '../machine.ts';
import { ensureInt4Model, INT4_MODEL } from '../models.ts';
import { measureInNode, timed } from './in-node.ts';
import { ENTRIES, NAME, packList, promptOf } from './lists.ts';

interface Options {
  readonly beams: string;
  readonly queries: string;
  readonly only?: string;
}

const TYPED_LETTERS = 12;
/** V8 compiles WebAssembly in two tiers, and the engine chooses how it reads weights. */
const WARM_UP_QUERIES = 10;

const { beams, queries, only } = new Command('node bench/catalogue/run.ts')
  .description('Measures the search of a catalogue of 100,000 entries.')
  .option('--beams <n>', 'number of beams', '50')
  .option('--queries <n>', 'queries of each part', '20')
  .option('--only <model>', 'gpt2 or default')
  .parse()
  .opts<Options>();
const plan = { beams: Number(beams), queries: Number(queries) };

console.log(
  `${describe(await describeMachine())}; ${ENTRIES} entries, ${plan.beams} beams, ${plan.queries} queries`,
);
if (only !== 'default') {
  await ensureInt4Model();
  await measure('GPT-2 124M, int4', INT4_MODEL);
}
if (only !== 'gpt2') {
  await ensureDefaultModel();
  await measure('the embedded model, int8', DEFAULT_MODEL);
  await measureTyping();
}

async function measure(title: string, model: string): Promise<void> {
  const { entries, nodes, bytes, memory } = await packList(model);
  console.log(`\n${title}: ${entries} entries, ${nodes} nodes, ${bytes} bytes, ${memory} in memory`);
  const figures = await measureInNode(model, plan);
  const alone = median(figures.milliseconds);
  console.log(
    `  Node: ${spread(figures.milliseconds)} ms a query, ${figures.perSecond.toFixed(1)} queries a second, four at a time`,
  );
  if (figures.peakMilliseconds !== null) {
    console.log(
      `  its products alone, at the peak of their instruction: ${figures.peakMilliseconds.toFixed(1)} ms`,
    );
  }
  console.log(
    `  scoring every entry: ${(figures.bruteMilliseconds / 1000).toFixed(1)} s, ` +
      `${(figures.bruteMilliseconds / alone).toFixed(0)} times as long`,
  );
  console.log(
    `  beams without the catalogue: ${figures.freeMilliseconds.toFixed(1)} ms, ` +
      `${(100 * figures.legalShare).toFixed(0)} % of their texts are entries`,
  );
  const { plain, throughWrangler } = await measureInWorkerd(model);
  console.log(`  workerd: ${spread(plain)} ms a query by HTTP`);
  console.log(`  npm start, through wrangler's proxy: ${spread(throughWrangler)} ms`);
}

/** One after the other, in turn: in workerd itself, as on Cloudflare, and through the proxy of `wrangler dev`. */
async function measureInWorkerd(model: string): Promise<Record<'plain' | 'throughWrangler', number[]>> {
  await using workerd = await startPlainWorkerd(model);
  await using wrangler = await startDevServer('--model', model);
  // Tokens that both models have.
  const search = ({ url }: { readonly url: string }, index: number) =>
    post(`${url}/v1/completions`, {
      prompt: promptOf(8000, index),
      catalogue: NAME,
      num_beams: plan.beams,
      n: 10,
    });
  const times = { plain: [] as number[], throughWrangler: [] as number[] };
  for (let i = 0; i < WARM_UP_QUERIES + plan.queries; i++) {
    const plain = await timed(() => search(workerd, i));
    const throughWrangler = await timed(() => search(wrangler, i));
    if (i < WARM_UP_QUERIES) continue;
    times.plain.push(plain);
    times.throughWrangler.push(throughWrangler);
  }
  return times;
}

/** Titles of the example that are typed letter by letter, with what the letters before have left in the cache and without. */
async function measureTyping(): Promise<void> {
  await using server = await startDevServer('--model', DEFAULT_MODEL);
  const suggest = (text: string, cache_prompt: boolean) =>
    post(`${server.url}/v1/suggest`, { text, catalogue: 'titles', n: 5, cache_prompt });
  const titles = exampleTitles();
  const times = { kept: [] as number[], anew: [] as number[] };
  for (let i = 0; i <= plan.queries; i++) {
    const title = titles[Math.floor((i * titles.length) / (plan.queries + 1))] as string;
    for (let length = 1; length <= TYPED_LETTERS; length++) {
      const typed = title.slice(0, length);
      const anew = await timed(() => suggest(typed, false));
      const kept = await timed(() => suggest(typed, true));
      // The first title warms up.
      if (i > 0) times.anew.push(anew);
      if (i > 0) times.kept.push(kept);
    }
  }
  console.log(
    `  a letter of a suggestion, 32 beams over ${titles.length} titles: ${median(times.kept).toFixed(1)} ms, ` +
      `without the cache ${median(times.anew).toFixed(1)} ms`,
  );
}

async function post(url: string, body: object): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(text);
}

function spread(values: readonly number[]): string {
  return `${median(values).toFixed(1)} (${Math.min(...values).toFixed(0)} to ${Math.max(...values).toFixed(0)})`;
}
