/** @module Constraints on the page: typed, shared, shown in the tree, and their errors. */
import { expect, it } from 'vitest';
import { CONSTRAINT_KINDS, CONSTRAINTS } from '../../worker/page/client/constraint.ts';
import { EXAMPLES } from '../../worker/page/client/examples.ts';
import { describeInChromium, openPage } from '../support/search-page.ts';

describeInChromium('a constraint', () => {
  it('is typed, sent, and kept in the address and in the code', async () => {
    const view = await openPage('prompt=The+pet+is&max_tokens=12');
    const { page } = view;
    await page.getByLabel('Choices').check();
    const field = page.getByLabel('structured_outputs.choice');
    expect(await field.inputValue()).toBe(CONSTRAINTS.choice.example);
    await field.fill(' a cat\n a small dog');
    await view.generate();
    await view.waitForEnd();
    expect(view.requests[0]?.structured_outputs).toEqual({ choice: [' a cat', ' a small dog'] });
    const texts = await view.texts();
    expect([' a cat', ' a small dog']).toContain(texts[0]);
    expect(texts).toEqual(await view.apiTexts());
    expect(await page.locator('#snippet').textContent()).toContain(
      '"structured_outputs":{"choice":[" a cat"',
    );
    await page.reload();
    expect(await field.inputValue()).toBe(' a cat\n a small dog');
    await page.getByLabel('Any text').check();
    expect(await field.isVisible()).toBe(false);
    expect(page.url()).not.toContain('choice');
    // What was typed is kept while other kinds are tried.
    await page.getByLabel('Regex').check();
    await page.getByLabel('Choices').check();
    expect(await field.inputValue()).toBe(' a cat\n a small dog');
    await view.button('Example').click();
    expect(await field.inputValue()).toBe(CONSTRAINTS.choice.example);
    expect(page.url()).toContain('choice=+a+dog');
  });

  it.each(CONSTRAINT_KINDS)('%s has an example that works at a click', async (kind) => {
    const view = await openPage();
    const title = EXAMPLES.find(({ settings }) => settings.constraint?.kind === kind)?.title ?? '';
    await view.button(title).click();
    await view.waitForEnd();
    const texts = await view.texts();
    expect(texts).toEqual(await view.apiTexts());
    for (const text of texts) {
      if (kind === 'json') expect(JSON.parse(text)).toMatchObject({ name: expect.any(String) });
      else if (kind === 'regex') expect(text).toMatch(new RegExp(`^(?:${CONSTRAINTS.regex.example})$`));
      else expect(CONSTRAINTS.choice.example.split('\n')).toContain(text);
    }
  });

  it.each([
    ['regex', '(a', /regex/],
    ['json', '{"type": ', /json/],
    ['json', '{"type": "text"}', /type/],
    ['choice', '', /choice/],
  ])('shows an error of the API at its field: %s %j', async (kind, text, message) => {
    const view = await openPage(`${kind}=${encodeURIComponent(text)}`, { expectedErrors: /status of 400/ });
    await view.generate();
    await view.waitForEnd('failed');
    const field = view.page.getByLabel(`structured_outputs.${kind}`);
    expect(await field.getAttribute('aria-invalid')).toBe('true');
    expect(await view.page.locator('#constraint-error').textContent()).toMatch(message);
    expect(await field.evaluate((element) => element === element.ownerDocument.activeElement)).toBe(true);
  });

  it('shows at max_tokens that no whole answer has room', async () => {
    const view = await openPage('max_tokens=2&choice=elephants+and+rhinoceroses', {
      expectedErrors: /status of 400/,
    });
    await view.generate();
    await view.waitForEnd('failed');
    expect(await view.page.locator('#max_tokens-error').textContent()).toMatch(/at least \d/);
  });
});

describeInChromium('the tree of a constrained search', () => {
  it('shows how many tokens were allowed in each place', async () => {
    const view = await openPage(
      `prompt=The+pet+is&num_beams=2&choice=${encodeURIComponent(' a\n a cat')}&run=1`,
    );
    const { page } = view;
    await view.waitForEnd();
    const figures = await page.locator('#tree text.allowed').allTextContents();
    expect(figures.length).toBeGreaterThan(0);
    for (const figure of figures) expect(figure).toMatch(/^\d+k?/);
    await page.locator('#allowed-legend').waitFor();
    await page
      .locator('#tree text.run tspan')
      .first()
      .hover({ position: { x: 3, y: 5 } });
    await expect
      .poll(() => page.locator('#tree-description').textContent())
      .toMatch(/^“[^”]+”: (one of \d+ tokens|the only token) allowed there/);
    await page.getByText('The tree as text').click();
    expect(await page.locator('#outline-list li').first().textContent()).toMatch(/, tokens allowed: \d/);
  });

  it('has no figures without a constraint', async () => {
    const view = await openPage('num_beams=2&max_tokens=6&run=1');
    await view.waitForEnd();
    expect(await view.page.locator('#tree text.allowed').count()).toBe(0);
    expect(await view.page.locator('#allowed-legend').isVisible()).toBe(false);
  });
});

describeInChromium('a JSON text', () => {
  it('is coloured, also while it grows', async () => {
    const view = await openPage(
      `num_beams=2&max_tokens=60&json=${encodeURIComponent(CONSTRAINTS.json.example)}&run=1`,
    );
    const { page } = view;
    await page.locator('.json .key').first().waitFor();
    await view.waitForEnd();
    const keys = await page.locator('.tokens .key').allTextContents();
    const [text = ''] = await view.texts();
    const parsed = JSON.parse(text) as object;
    expect(keys.join('')).toBe(
      Object.keys(parsed)
        .map((key) => JSON.stringify(key))
        .join(''),
    );
    expect((await page.locator('.tokens .literal').allTextContents()).join('')).toBe(
      String(Object(parsed).happy),
    );
  });

  it('keeps its colours where it was stopped', async () => {
    const schema = {
      type: 'object',
      properties: { text: { type: 'string', minLength: 300 } },
      required: ['text'],
    };
    const json = encodeURIComponent(JSON.stringify(schema));
    const view = await openPage(`search=greedy&max_tokens=400&json=${json}&run=1`);
    await view.page.locator('[data-state=running] .json .string').nth(20).waitFor();
    await view.button('Stop').click();
    await view.waitForEnd('stopped');
    const [text = ''] = await view.texts();
    expect(() => JSON.parse(text)).toThrow(SyntaxError);
    expect((await view.page.locator('.tokens .key').allTextContents()).join('')).toBe('"text"');
    // White space between words is outside the coloured parts.
    expect((await view.page.locator('.tokens .string').allTextContents()).join('')).toBe(
      text.slice(text.indexOf(':') + 1).replaceAll(/\s/g, ''),
    );
  });

  it('is coloured only if it is JSON', async () => {
    const view = await openPage('search=greedy&max_tokens=6&run=1');
    await view.waitForEnd();
    expect(await view.page.locator('.json').count()).toBe(0);
  });
});
