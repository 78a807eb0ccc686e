/**
 * @module `node bench/sessions/run.ts`: what sessions save. Conversations whose turns arrive at several isolates in turn,
 * with the binding `EDGEBEAM_SESSIONS` and without: the tokens of prompts that came from the cache, and the time of a turn.
 */
import { Command } from 'commander';
import { DEFAULT_CHECKPOINT, DEFAULT_MODEL, ensureModel } from '../../model-assets/ensure.ts';
import { positiveInteger } from '../../worker/dev/wrangler.ts';
import { sessionWorkers } from './workers.ts';

interface Options {
  readonly isolates: number;
  readonly users: number;
  readonly turns: number;
}

interface Figures {
  readonly promptTokens: number;
  readonly cachedTokens: number;
  /** Median time of a turn, in milliseconds. */
  readonly turn: number;
}

const { isolates, users, turns } = new Command('node bench/sessions/run.ts')
  .description('Cached tokens and times of conversations over several isolates, with sessions and without.')
  .option('--isolates <n>', 'isolates that requests arrive at in turn', positiveInteger, 3)
  .option('--users <n>', 'conversations at the same time', positiveInteger, 3)
  .option('--turns <n>', 'turns of each', positiveInteger, 6)
  .parse()
  .opts<Options>();

await ensureModel({ source: DEFAULT_CHECKPOINT, out: DEFAULT_MODEL, precision: 'int8' });
console.log('| | tokens of prompts | of them cached | | median turn, ms |\n| --- | --: | --: | --: | --: |');
for (const sessions of [false, true]) {
  const { promptTokens, cachedTokens, turn } = await converse(sessions);
  const share = `${((100 * cachedTokens) / promptTokens).toFixed(0)} %`;
  const name = sessions ? 'with sessions' : 'without';
  console.log(`| ${name} | ${promptTokens} | ${cachedTokens} | ${share} | ${turn.toFixed(1)} |`);
}

async function converse(sessions: boolean): Promise<Figures> {
  const fronts = Array.from({ length: isolates }, (_, i) => `front-${i}`);
  await using harness = stopped(sessionWorkers({ assets: DEFAULT_MODEL, fronts, sessions }));
  await harness.listen();
  for (const front of fronts) await harness.getWorker(front).fetch('http://edgebeam/health/ready');
  let [promptTokens, cachedTokens] = [0, 0];
  const times: number[] = [];
  const texts = Array.from({ length: users }, (_, i) => `This is the story of child ${i + 1}. `);
  for (let turn = 0; turn < turns; turn++) {
    for (const [i, text] of texts.entries()) {
      const prompt = `${text}Then, on day ${turn + 1}, the child went to the park.`;
      // The next turn of a conversation arrives at the next isolate.
      const front = harness.getWorker(fronts[(turn + i) % fronts.length]);
      const began = performance.now();
      const response = await front.fetch('http://edgebeam/v1/completions', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ prompt, max_tokens: 16, temperature: 0, ignore_eos: true, user: `user-${i}` }),
      });
      const { choices, usage } = (await response.json()) as Completion;
      times.push(performance.now() - began);
      promptTokens += usage.prompt_tokens;
      cachedTokens += usage.prompt_tokens_details.cached_tokens;
      texts[i] = prompt + choices[0].text;
    }
  }
  const turn = times.sort((a, b) => a - b)[Math.floor(times.length / 2)] as number;
  return { promptTokens, cachedTokens, turn };
}

interface Completion {
  readonly choices: readonly [{ readonly text: string }];
  readonly usage: {
    readonly prompt_tokens: number;
    readonly prompt_tokens_details: { readonly cached_tokens: number };
  };
}

/** With a dispose that closes it. */
function stopped<T extends { close(): Promise<void> }>(harness: T): T & AsyncDisposable {
  return Object.assign(harness, { [Symbol.asyncDispose]: () => harness.close() });
}
