/** @module Searches on the page: it must show the texts of the API's responses. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, inject, it } from 'vitest';
import { describeInChromium, openPage } from '../support/search-page.ts';

interface Health {
  readonly requests: number;
  readonly slots: { readonly reserved: number; readonly taken: number };
}

/** `min_tokens` prevents an early end. */
const LONG = 'num_beams=8&max_tokens=400&min_tokens=400';

async function health(): Promise<Health> {
  return (await (await fetch(`${inject('server')}/health`)).json()) as Health;
}

describeInChromium('a search', () => {
  it('is greedy, with a typed prompt', async () => {
    const view = await openPage();
    await view.page.getByLabel('Prompt').fill('Tom and Mia went to the zoo.');
    await view.page.getByLabel('Greedy').check();
    await view.page.getByLabel('max_tokens').fill('20');
    await view.generate();
    await view.waitForEnd();
    expect(view.requests).toHaveLength(1);
    expect(view.requests[0]).toMatchObject({
      prompt: 'Tom and Mia went to the zoo.',
      max_tokens: 20,
      temperature: 0,
    });
    const texts = await view.texts();
    expect(texts[0]?.length).toBeGreaterThan(40);
    expect(texts).toEqual(await view.apiTexts());
    await view.page.getByText('keeps a single text').waitFor();
  });

  it('draws several samples, and the tree of their shared prefixes', async () => {
    const view = await openPage('search=sampling&n=3&seed=7&temperature=0.7&max_tokens=16');
    await view.generate();
    await view.waitForEnd();
    const texts = await view.texts();
    expect(new Set(texts).size).toBe(3);
    expect(texts).toEqual(await view.apiTexts());
    const ends = (await view.runs()).filter((run) => run.includes('■'));
    expect(ends).toHaveLength(3);
  });

  it('keeps four beams, draws their tree, and highlights the best one', async () => {
    const view = await openPage('num_beams=4&n=2&max_tokens=24');
    await view.generate();
    await view.waitForEnd();
    const texts = await view.texts();
    expect(texts).toEqual(await view.apiTexts());
    const runs = await view.runs();
    const [best] = runs.filter((run) => / #1 −\d/.test(run));
    const end = (best ?? '').replace(/ #1.*/, '');
    expect(end.trim().length).toBeGreaterThan(0);
    expect(texts[0]?.replaceAll('\n', '↵').endsWith(end)).toBe(true);
    expect(runs.some((run) => run.endsWith('×'))).toBe(true);
    expect(await view.page.locator('.link.winner').getAttribute('d')).toMatch(/^M/);
    expect(await view.page.locator('#passes').textContent()).toBe('24');
    const slots = ['#slots-shared', '#slots-copied'].map((id) => view.page.locator(id).textContent());
    const [shared, copied] = (await Promise.all(slots)).map(Number);
    expect(copied).toBe(4 * (23 + 4));
    expect(shared).toBeLessThan(copied ?? 0);
  });

  it('labels groups of beams', async () => {
    const view = await openPage('search=diverse&num_beams=6&num_beam_groups=3&max_tokens=12');
    await view.generate();
    await view.waitForEnd();
    expect(await view.texts()).toEqual(await view.apiTexts());
    expect(await view.page.locator('#tree .group').allTextContents()).toEqual([
      'group 1',
      'group 2',
      'group 3',
    ]);
  });

  it('samples beams, with the same result for the same seed', async () => {
    const view = await openPage('search=beam-sampling&seed=5&max_tokens=12');
    await view.generate();
    await view.waitForEnd();
    expect(view.requests[0]).toMatchObject({ do_sample: true, num_beams: 4, seed: 5 });
    expect(await view.texts()).toEqual(await view.apiTexts());
  });

  it('accepts any prompt, and shows tokens that are not whole characters', async () => {
    const view = await openPage(
      'search=sampling&temperature=2&seed=5&max_tokens=80&prompt=%E4%BB%8E%E5%89%8D+%F0%9F%90%88+%3Cb%3E',
    );
    await view.generate();
    await view.waitForEnd();
    expect(view.requests[0]?.prompt).toBe('从前 🐈 <b>');
    expect(await view.page.locator('.prose .prompt').textContent()).toBe('从前 🐈 <b>');
    const texts = await view.texts();
    expect(texts).toEqual(await view.apiTexts());
    expect(texts[0]).toContain('\uFFFD');
  });

  it('can be stopped, and the server frees its slots', async () => {
    const view = await openPage(LONG);
    await view.generate();
    await view.page.locator('#tree text.run').nth(12).waitFor();
    await expect.poll(health).toMatchObject({ requests: 1 });
    await view.button('Stop').click();
    await view.waitForEnd('stopped');
    const idle = { requests: 0, slots: { reserved: 0, taken: 0 } };
    await expect.poll(health, { timeout: 10_000 }).toMatchObject(idle);
    expect(await view.page.locator('#time-slider').getAttribute('max')).not.toBe('400');
    expect(await view.button('Generate').isVisible()).toBe(true);
  });

  it('is aborted by the next one', async () => {
    const view = await openPage(LONG);
    await view.generate();
    await view.page.locator('#tree text.run').nth(12).waitFor();
    await view.page.getByLabel('min_tokens').fill('0');
    await view.page.getByLabel('max_tokens').fill('8');
    await view.page.getByLabel('max_tokens').press('Enter');
    await view.waitForEnd();
    expect(await view.texts()).toEqual(await view.apiTexts());
    await expect.poll(health, { timeout: 10_000 }).toMatchObject({ requests: 0 });
  });
});

describeInChromium('a shared link', () => {
  const FRAGMENT = 'prompt=The+cat&search=beam&num_beams=3&max_tokens=10&no_repeat_ngram_size=2';

  it('fills the form, and waits for a click', async () => {
    const view = await openPage(FRAGMENT);
    expect(await view.page.getByLabel('Prompt').inputValue()).toBe('The cat');
    expect(await view.page.getByLabel('num_beams').inputValue()).toBe('3');
    expect(await view.page.getByLabel('no_repeat_ngram_size').isVisible()).toBe(true);
    expect(view.requests).toEqual([]);
    await view.generate();
    await view.waitForEnd();
    expect(view.requests[0]).toMatchObject({ prompt: 'The cat', num_beams: 3, no_repeat_ngram_size: 2 });
  });

  it('starts at once with run=1, also in an open page', async () => {
    const view = await openPage(`${FRAGMENT}&run=1`);
    await view.waitForEnd();
    expect(await view.texts()).toEqual(await view.apiTexts());
    await view.page.evaluate('location.hash = "prompt=The+dog&search=greedy&max_tokens=5&run=1"');
    await expect.poll(() => view.requests.length).toBe(2);
    await view.waitForEnd();
    expect(await view.texts()).toEqual(await view.apiTexts());
  });

  it('is updated by the form', async () => {
    const view = await openPage();
    await view.page.getByLabel('Sampling', { exact: true }).check();
    await view.page.getByLabel('temperature').fill('0.5');
    await view.page.getByLabel('Prompt').fill('A & b');
    const hash = () => new URL(view.page.url()).hash;
    await expect.poll(hash).toBe('#prompt=A+%26+b&search=sampling&temperature=0.5');
    await view.page.reload();
    expect(await view.page.getByLabel('temperature').inputValue()).toBe('0.5');
  });
});

describeInChromium('the screen', () => {
  it('shows an API error at its field', async () => {
    const view = await openPage('num_beams=4&n=9&max_tokens=5', { expectedErrors: /status of 400/ });
    await view.generate();
    await view.waitForEnd('failed');
    const field = view.page.getByLabel('n', { exact: true });
    expect(await field.getAttribute('aria-invalid')).toBe('true');
    expect(await view.page.locator('#n-error').textContent()).toBe("'n' must be at most num_beams, 4, not 9");
    expect(await field.evaluate((element) => element === element.ownerDocument.activeElement)).toBe(true);
    expect(await view.page.locator('#intro').isVisible()).toBe(true);
    await field.fill('2');
    await view.generate();
    await view.waitForEnd();
    expect(await view.page.locator('#n-error').textContent()).toBe('');
  });

  it('shows a curl command that sends the same request', async () => {
    const view = await openPage("prompt=It's&num_beams=3&n=2&max_tokens=8&stop=.");
    await view.generate();
    await view.waitForEnd();
    const code = await view.page.locator('#snippet').textContent();
    const { stdout } = await promisify(execFile)('sh', ['-c', code ?? '']);
    const chunks = stdout
      .split('\n\n')
      .flatMap((event) => (event.startsWith('data: {') ? [JSON.parse(event.slice(6))] : []));
    const texts = ['', ''];
    for (const { choices } of chunks) for (const { index, text } of choices) texts[index] += text;
    expect(texts).toEqual(await view.texts());
    await view.page.getByLabel('fetch').check();
    expect(await view.page.locator('#snippet').textContent()).toMatch(/^const response = await fetch/);
  });

  it('says that it could not copy where the browser has no clipboard, as over plain HTTP', async () => {
    const view = await openPage('prompt=Hi&max_tokens=2');
    await view.page.evaluate(() => Object.defineProperty(navigator, 'clipboard', { value: undefined }));
    await view.generate();
    await view.waitForEnd();
    const button = view.page.locator('#copy-snippet');
    await button.click();
    await expect.poll(() => button.textContent()).toBe('Could not copy');
  });

  it('shows the tree of any step, without moving it', async () => {
    const view = await openPage('num_beams=4&max_tokens=20&run=1');
    await view.waitForEnd();
    const label = view.page.locator('#time-label');
    const lastRuns = await view.runs();
    await view.button('First step').click();
    await expect.poll(() => label.textContent()).toBe('step 1 of 20');
    await expect.poll(async () => (await view.runs()).length).toBe(4);
    for (const run of await view.runs()) expect(run).toMatch(/ −\d+\.\d\d$/);
    await view.button('Step forward').click();
    await expect.poll(() => label.textContent()).toBe('step 2 of 20');
    await view.page.locator('#time-slider').fill('15');
    await expect.poll(() => label.textContent()).toBe('step 15 of 20');
    await view.button('Play').click();
    await view.button('Pause').waitFor();
    await view.button('Play').waitFor();
    expect(await label.textContent()).toBe('step 20 of 20');
    expect(await view.runs()).toEqual(lastRuns);
    await view.page.getByLabel('Dropped').uncheck();
    await expect.poll(async () => (await view.runs()).some((run) => run.endsWith('×'))).toBe(false);
  });

  it('shows the probability of a token, and its alternatives', async () => {
    const view = await openPage('search=greedy&max_tokens=6&run=1');
    await view.waitForEnd();
    await view.tokens.nth(1).hover();
    const rows = view.page.locator('#token tbody tr');
    await expect.poll(() => rows.count()).toBe(5);
    const [first] = await rows.allTextContents();
    expect(first).toMatch(/^ there ◂\d+\.\d %$/);
    expect(await view.page.locator('#token caption').textContent()).toMatch(
      /^ there \d+\.\d % · log p −\d\.\d\d$/,
    );
  });
});
