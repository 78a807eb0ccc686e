/** @module Suggestions from the catalogue while one types, by keyboard and by mouse, and their tree. */
import { expect, it } from 'vitest';
import { exampleTitles } from '../../model-assets/catalogue/example-titles.ts';
import { describeInChromium, openPage } from '../support/search-page.ts';

const TITLES = exampleTitles();
/** For an answer of a busy machine. */
const SLOW = { timeout: 20_000 };

async function openList() {
  const view = await openPage();
  const { page } = view;
  // The server lists its catalogues.
  await page.getByText('Search a list while you type').click();
  const input = page.getByRole('combobox', { name: 'Beginning of a title' });
  const options = page.locator('#list-options').getByRole('option');
  const texts = () => options.locator('span:first-child').allTextContents();
  /** Waits for suggestions that begin with the text. */
  const suggested = async (text: string): Promise<string[]> => {
    const begin = async () => {
      const shown = await texts();
      return shown.length > 0 && shown.every((title) => title.startsWith(text));
    };
    await expect.poll(begin, SLOW).toBe(true);
    return texts();
  };
  return { view, page, input, options, texts, suggested };
}

describeInChromium('the list', () => {
  it('suggests titles that begin with what is typed, likeliest first', async () => {
    const { input, options, suggested } = await openList();
    await expect.poll(() => options.count(), SLOW).toBe(8);
    await input.pressSequentially('The Sle', { delay: 15 });
    for (const text of await suggested('The Sle')) expect(TITLES).toContain(text);
    const scores = await options.locator('.score').allTextContents();
    const values = scores.map((score) => Number(score.replace('−', '-')));
    expect(values).toEqual(values.toSorted((a, b) => b - a));
    expect(await input.getAttribute('aria-expanded')).toBe('true');
    await input.fill('xyz');
    await expect.poll(() => options.count(), SLOW).toBe(0);
    expect(await input.getAttribute('aria-expanded')).toBe('false');
  });

  it('cancels what a further key makes useless, and waits for a pause', async () => {
    const { page, input, texts } = await openList();
    const asked: string[] = [];
    page.on('request', (request) => {
      if (request.url().endsWith('/v1/suggest'))
        asked.push((request.postDataJSON() as { text: string }).text);
    });
    await input.pressSequentially('Tom and the Magic Ball', { delay: 5 });
    await expect.poll(texts, SLOW).toEqual(['Tom and the Magic Ball']);
    expect(asked.at(-1)).toBe('Tom and the Magic Ball');
    expect(asked.length).toBeLessThan(12);
  });

  it('is used by keyboard, and draws the part of the tree that was searched', async () => {
    const { view, page, input, options, suggested } = await openList();
    await input.fill('Lily');
    const [first, second] = await suggested('Lily');
    await input.press('ArrowDown');
    await input.press('ArrowDown');
    const id = await input.getAttribute('aria-activedescendant');
    expect(await page.locator(`#${id}`).getAttribute('aria-selected')).toBe('true');
    await input.press('Enter');
    expect(await input.inputValue()).toBe(second);
    expect(await options.count()).toBe(0);
    await view.waitForEnd();
    expect((await view.texts())[0]).toBe(first);
    expect(await page.locator('#tree text.run').count()).toBeGreaterThan(3);
    expect(await page.locator('#tree text.allowed').count()).toBeGreaterThan(0);
    expect(await page.locator('#snippet').textContent()).toContain('catalogue_prefix');
  });

  it('is used by mouse', async () => {
    const { view, input, options, suggested } = await openList();
    await input.fill('How the K');
    const [, , third = ''] = await suggested('How the K');
    await options.nth(2).click();
    expect(await input.inputValue()).toBe(third);
    await view.waitForEnd();
  });
});
