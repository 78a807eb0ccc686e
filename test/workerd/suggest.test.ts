import { beforeAll, describe, expect, it } from 'vitest';
import { exampleTitles } from '../../model-assets/catalogue/example-titles.ts';
import { assetsOfModel, post, postTo, startApp, type TestApp } from './client.ts';

const TITLES = exampleTitles();

interface Suggestions {
  readonly data: readonly { readonly text: string; readonly id?: number; readonly score: number }[];
  readonly usage: { readonly completion_tokens: number };
}

let app: TestApp;
beforeAll(() => {
  app = startApp();
});

async function suggest(body: object): Promise<Suggestions> {
  const response = await postTo(app, '/v1/suggest', body);
  expect(response.status, await response.clone().text()).toBe(200);
  return (await response.json()) as Suggestions;
}

describe('suggestions from a catalogue', () => {
  it('are its entries that begin with what was typed, wherever that cuts a token', async () => {
    for (const text of ['', 'T', 'The Sle', 'The Sleepy', 'Tom and the Magic Ba', 'Lily ']) {
      const { data } = await suggest({ text, catalogue: 'titles', n: 6 });
      expect(data.length).toBeGreaterThan(0);
      for (const { text: found, id } of data) {
        expect(found.startsWith(text)).toBe(true);
        expect(found).toBe(TITLES[id ?? -1]);
      }
      const scores = data.map(({ score }) => score);
      expect(scores).toEqual(scores.toSorted((a, b) => b - a));
    }
  });

  it('are fewer where fewer begin so, or none', async () => {
    const whole = 'Tom and the Magic Ball';
    expect((await suggest({ text: whole, catalogue: 'titles' })).data).toMatchObject([{ text: whole }]);
    const { data, usage } = await suggest({ text: 'tom', catalogue: 'titles' });
    expect([data, usage.completion_tokens]).toEqual([[], 0]);
  });

  it('are those of a completion with the same prefix, and depend on the prompt before it', async () => {
    const prompt = 'The little girl loved her toys. ';
    const { data } = await suggest({ prompt, text: 'The', catalogue: 'titles', n: 4, num_beams: 20 });
    const search = { catalogue: 'titles', catalogue_prefix: 'The', n: 4, num_beams: 20 };
    const completed = await post(app, { prompt, ...search });
    const { choices } = (await completed.json()) as {
      choices: { text: string; catalogue_id: number; sequences_score: number }[];
    };
    expect(data).toEqual(
      choices.map(({ text, catalogue_id, sequences_score }) => ({
        text,
        id: catalogue_id,
        score: sequences_score,
      })),
    );
  });

  it('are the same alone as beside others', async () => {
    const requests = ['The', 'A', 'How the', 'Tom'].map((text) => ({ text, catalogue: 'titles', n: 5 }));
    const alone = [];
    for (const request of requests) alone.push((await suggest(request)).data);
    const together = await Promise.all([...requests, { text: 'One da' }].map(suggest));
    expect(together.slice(0, requests.length).map(({ data }) => data)).toEqual(alone);
  });
});

it('suggestions without a catalogue go on with the text, healed', async () => {
  const { data } = await suggest({ text: 'Once upon a ti', n: 3 });
  expect(data).toHaveLength(3);
  expect(data[0]?.text).toMatch(/^Once upon a time/);
  for (const { text, id } of data) {
    expect(text.startsWith('Once upon a ti')).toBe(true);
    expect(text).not.toContain('\n');
    expect(id).toBeUndefined();
  }
  const whole = await suggest({ prompt: 'Once upon', text: ' a ti', n: 1, max_tokens: 2 });
  expect(whole.data[0]?.text).toMatch(/^ a time/);
});

it('suggestions without a catalogue are as many texts as asked for, none twice', async () => {
  // Beams that end here in a new line, in another one, or in an end of text are one text.
  const { data, usage } = await suggest({ text: 'They all lived happily ever after.', n: 24, max_tokens: 3 });
  expect(new Set(data.map(({ text }) => text)).size).toBe(24);
  expect(data).toHaveLength(24);
  expect(usage.completion_tokens).toBeLessThanOrEqual(24 * 5);
});

it('suggestions of a model whose tokenizer is not bytewise go on from the last token', async () => {
  const other = startApp({ ASSETS: assetsOfModel('kind-bert-cased-vocab-txt') });
  const response = await postTo(other, '/v1/suggest', { text: 'the', n: 2 });
  expect(response.status).toBe(200);
});

it('gives everything back when the client leaves', async () => {
  const controller = new AbortController();
  const leaving = app.fetch('/v1/suggest', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ text: 'The', catalogue: 'titles', n: 40 }),
    signal: controller.signal,
  });
  controller.abort();
  await leaving.catch(() => {});
  await app.settled();
  const idle = { requests: 0, slots: { reserved: 0 }, javaScript: { reserved: 0 } };
  expect(await (await app.fetch('/health')).json()).toMatchObject(idle);
});

it.each([
  [{ n: 65 }, 'n', '64'],
  [{ n: 4, num_beams: 3 }, 'num_beams', 'at least n, 4'],
  [{ catalogue: 'titles', max_tokens: 4 }, 'max_tokens', 'catalogue'],
  [{ catalogue: 'songs' }, 'catalogue', 'titles'],
  [{ catalogue_weight: 1 }, 'catalogue_weight', 'catalogue'],
  [{ text: 3 }, 'text', '3'],
  [{ user: 'a'.repeat(257) }, 'user', '256'],
  [{ prefix: 'a' }, 'prefix', 'not a supported field'],
])('refuses %j', async (body, param, message) => {
  const response = await postTo(app, '/v1/suggest', body);
  const { error } = (await response.json()) as { error: { param: string; message: string } };
  expect([response.status, error.param]).toEqual([400, param]);
  expect(error.message).toContain(message);
});
