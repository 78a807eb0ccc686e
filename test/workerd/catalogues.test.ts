import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, it } from 'vitest';
import { exampleTitles } from '../../model-assets/catalogue/example-titles.ts';
import { assetsOfModel, disconnectMidStream, post, postTo, startApp, type TestApp } from './client.ts';

const TITLES = exampleTitles();
const PROMPT = 'Once upon a time there was a story. It was called ';

interface Choice {
  readonly text: string;
  readonly index: number;
  readonly sequences_score: number;
  readonly catalogue_id: number;
  readonly finish_reason: string;
  readonly logprobs: { readonly token_logprobs: number[]; readonly tokens: string[] } | null;
}

const search = { prompt: PROMPT, catalogue: 'titles', num_beams: 24, n: 6 };

async function choicesOf(app: TestApp, body: object): Promise<Choice[]> {
  const response = await post(app, body);
  expect(response.status, await response.clone().text()).toBe(200);
  return ((await response.json()) as { choices: Choice[] }).choices;
}

async function health(app: TestApp) {
  return (await (await app.fetch('/health')).json()) as {
    readonly catalogues: Record<string, { entries: number; memory: number; loaded: boolean }>;
    readonly javaScript: { readonly reserved: number };
    readonly slots: { readonly reserved: number };
    readonly requests: number;
  };
}

/** The assets of the default model, with other files of catalogues. */
function assetsWith(change: (path: string, response: Response) => Promise<Response>): Fetcher {
  const assets = assetsOfModel('default-int8');
  const fetch: Fetcher['fetch'] = async (input) => {
    const path = new URL(String(input)).pathname;
    const response = await assets.fetch(`http://assets${path}`);
    return path.startsWith('/catalogues/') ? change(path, response) : response;
  };
  return { ...env.ASSETS, fetch };
}

describe('a catalogue', () => {
  let app: TestApp;
  beforeAll(() => {
    app = startApp();
  });

  it('is searched by its name: entries, ids, and scores that are those of the entries’ own tokens', async () => {
    const choices = await choicesOf(app, { ...search, logprobs: 0 });
    expect(choices.map(({ text }) => text)).toEqual(choices.map(({ catalogue_id }) => TITLES[catalogue_id]));
    expect(new Set(choices.map(({ text }) => text)).size).toBe(6);
    const scores = choices.map(({ sequences_score }) => sequences_score);
    expect(scores).toEqual(scores.toSorted((a, b) => b - a));
    for (const { text, sequences_score, logprobs, finish_reason } of choices) {
      expect(finish_reason).toBe('stop');
      const own = logprobs?.token_logprobs ?? [];
      expect(own.reduce((sum, logprob) => sum + logprob, 0)).toBe(sequences_score);
      const tokenize = async (inputs: string) =>
        ((await (await postTo(app, '/tokenize', { inputs })).json()) as { id: number }[]).map(({ id }) => id);
      const prompt = [...(await tokenize(PROMPT)), ...(await tokenize(text))];
      const [echoed] = await choicesOf(app, { prompt, echo: true, logprobs: 0, max_tokens: 0 });
      expect(echoed?.logprobs?.token_logprobs.slice(-own.length)).toEqual(own);
    }
  });

  it('finds the same with more beams than it needs, and the same beside others as alone', async () => {
    const requests = [
      search,
      { ...search, prompt: 'The cat and the dog. ', num_beams: 7, n: 7 },
      { ...search, num_beams: 1, n: 1 },
      { ...search, prompt: '', num_beams: 40, n: 20 },
      { ...search, prompt: [PROMPT, 'One day, '], n: 2 },
    ];
    const others = [
      { prompt: PROMPT, max_tokens: 12, num_beams: 4, n: 4, seed: 1 },
      { ...search, cache_salt: 'x' },
    ];
    const alone = [];
    for (const request of requests) alone.push(await choicesOf(app, request));
    const together = await Promise.all([...requests, ...others].map((request) => choicesOf(app, request)));
    expect(together.slice(0, requests.length)).toEqual(alone);
  });

  it('finds what begins with a text, and no more than there is', async () => {
    const prefix = 'The Sle';
    const choices = await choicesOf(app, { ...search, catalogue_prefix: prefix, num_beams: 40, n: 40 });
    for (const { text } of choices) expect(text.startsWith(prefix)).toBe(true);
    const whole = 'Tom and the Magic Ball';
    const [one, none] = await choicesOf(app, { ...search, catalogue_prefix: whole, n: 2 });
    expect(one).toMatchObject({ text: whole, catalogue_id: TITLES.indexOf(whole) });
    expect(none).toMatchObject({ text: '', sequences_score: -1e9 });
    expect(none).not.toHaveProperty('catalogue_id');
    const [lost] = await choicesOf(app, { ...search, catalogue_prefix: 'zzz', n: 1 });
    expect(lost).toMatchObject({ text: '', sequences_score: -1e9 });
  });

  it('streams, with the ids in the last chunks', async () => {
    const whole = await choicesOf(app, search);
    const response = await post(app, { ...search, stream: true, stream_options: { include_beams: true } });
    const events = (await response.text())
      .split('\n\n')
      .filter((line) => line.startsWith('data: {'))
      .map(
        (line) =>
          JSON.parse(line.slice(6)) as { choices: Choice[]; beams?: { front: { allowed: number }[] } },
      );
    const texts = new Map<number, string>();
    const last = new Map<number, Choice>();
    for (const choice of events.flatMap(({ choices }) => choices)) {
      texts.set(choice.index, (texts.get(choice.index) ?? '') + choice.text);
      if (choice.finish_reason !== null) last.set(choice.index, choice);
    }
    expect(whole.map(({ index }) => texts.get(index))).toEqual(whole.map(({ text }) => text));
    expect(whole.map(({ index }) => last.get(index)?.catalogue_id)).toEqual(
      whole.map(({ catalogue_id }) => catalogue_id),
    );
    expect(events.filter(({ beams }) => beams).length).toBeGreaterThan(2);
  });

  it('is searched in the other contracts', async () => {
    const [best] = await choicesOf(app, { ...search, n: 1 });
    const tgi = await postTo(app, '/generate', {
      inputs: PROMPT,
      parameters: { catalogue: 'titles', num_beams: 24, details: true },
    });
    expect(await tgi.json()).toMatchObject({
      generated_text: best?.text,
      details: { catalogue_id: best?.catalogue_id, sequences_score: best?.sequences_score },
    });
    const run = await postTo(app, '/ai/run/@cf/edgebeam/default', {
      prompt: PROMPT,
      catalogue: 'titles',
      num_beams: 24,
      num_return_sequences: 2,
    });
    const { result } = (await run.json()) as { result: { response: string; catalogue_ids: number[] } };
    expect([result.response, result.catalogue_ids[0]]).toEqual([best?.text, best?.catalogue_id]);
  });

  it('gives everything back when the client leaves', async () => {
    const long = { ...search, num_beams: 40, n: 40, stream: true, stream_options: { include_beams: true } };
    await disconnectMidStream(app, await post(app, long));
    await app.settled();
    const { requests, slots, javaScript, catalogues } = await health(app);
    expect([requests, slots.reserved, javaScript.reserved]).toEqual([0, 0, 0]);
    expect(catalogues.titles).toMatchObject({ entries: TITLES.length, loaded: true });
  });

  it.each([
    [{ catalogue: 'songs' }, 'catalogue', 'one of this deployment\'s, titles, not "songs"'],
    [{ max_tokens: 3 }, 'max_tokens', 'at least'],
    [{ n: 30 }, 'n', 'num_beams'],
    [{ num_beams: 300 }, 'num_beams', '256'],
    [{ top_k: 3 }, 'top_k', 'catalogue'],
    [{ logprobs: 2 }, 'logprobs', 'must be 0'],
    [{ do_sample: true }, 'do_sample', 'catalogue'],
    [{ regex: 'a+' }, 'regex', 'catalogue'],
    [{ stop: ['x'] }, 'stop', 'catalogue'],
    [{ catalogue: undefined, catalogue_weight: 2 }, 'catalogue_weight', 'catalogue'],
    [{ catalogue_weight: -1 }, 'catalogue_weight', '-1'],
  ])('refuses %j', async (change, param, text) => {
    const response = await post(app, { ...search, ...change });
    const { error } = (await response.json()) as { error?: { param: string; message: string } };
    expect([response.status, error?.param]).toEqual([400, param]);
    expect(error?.message).toContain(text);
  });
});

it('refuses more beams than the cache has room for, and says how many there may be', async () => {
  const app = startApp({ HEAP_MIB: 22 });
  const wide = { ...search, prompt: 'x '.repeat(400) };
  const response = await post(app, { ...wide, num_beams: 256 });
  const { error } = (await response.json()) as { error: { param: string; message: string; code: string } };
  expect(error).toMatchObject({ param: 'num_beams', code: 'cache_size_exceeded' });
  const largest = Number(/must be at most (\d+) after this prompt/.exec(error.message)?.[1]);
  expect((await post(app, { ...wide, num_beams: largest + 1 })).status).toBe(400);
  expect(await choicesOf(app, { ...wide, num_beams: largest })).toHaveLength(6);
});

it('a deployment without catalogues says so', async () => {
  const app = startApp({ ASSETS: assetsOfModel('odd-int8') });
  const response = await post(app, search);
  expect(response.status).toBe(400);
  expect(await response.text()).toContain('this deployment has no catalogues');
});

it('a damaged file, and one of another tokenizer, are refused', async () => {
  const damaged = startApp({
    ASSETS: assetsWith(async (path, response) => {
      if (!path.endsWith('.trie')) return response;
      const bytes = new Uint8Array(await response.arrayBuffer());
      bytes[200] = (bytes[200] ?? 0) ^ 1;
      return new Response(bytes);
    }),
  });
  const first = await post(damaged, search);
  expect([first.status, await first.text()]).toEqual([400, expect.stringContaining('is corrupt')]);
  const foreign = startApp({
    ASSETS: assetsWith(async (path, response) => {
      if (path.endsWith('.trie')) return response;
      return new Response((await response.text()).replace(/"tokenizer": "../, '"tokenizer": "00'));
    }),
  });
  const second = await post(foreign, search);
  expect([second.status, await second.text()]).toEqual([400, expect.stringContaining('another tokenizer')]);
  const { javaScript } = await health(foreign);
  expect(javaScript.reserved).toBe(0);
});

it('keeps what fits, and gives up what was used longest ago', async () => {
  const names = ['titles', 'others', 'more'];
  const sizes = (memory: number) =>
    startApp({
      ASSETS: assetsWith(async (path, response) => {
        if (path.endsWith('.trie')) return response;
        const { catalogues } = (await response.json()) as { catalogues: { titles: object } };
        const file = { ...catalogues.titles, memory };
        return Response.json({
          version: 1,
          catalogues: Object.fromEntries(names.map((name) => [name, file])),
        });
      }),
    });
  const probe = sizes(1e9);
  const refused = await post(probe, search);
  expect(refused.status).toBe(400);
  const message = await refused.text();
  expect(message).toContain('takes 1000005000 bytes of memory');
  const maximum = Number(/deployment has (\d+)/.exec(message)?.[1]);
  // Two of them fit, with a request.
  const app = sizes(Math.floor(maximum * 0.4));
  for (const catalogue of [...names, 'more']) await choicesOf(app, { ...search, catalogue });
  const { catalogues, javaScript } = await health(app);
  expect(names.map((name) => catalogues[name]?.loaded)).toEqual([false, true, true]);
  expect(javaScript.reserved).toBe(0);
});
