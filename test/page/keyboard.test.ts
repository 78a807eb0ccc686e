/** @module The page with a keyboard only, and with a screen reader. */
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { describeInChromium, openPage } from '../support/search-page.ts';

/** Presses Tab until the focus is on the element with this id or inside it. */
async function tabTo(page: Page, id: string): Promise<void> {
  const hasFocus = `document.activeElement.closest('#${id}') !== null`;
  for (let presses = 0; presses < 60; presses++) {
    if (await page.evaluate(hasFocus)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`#${id} cannot be reached with Tab`);
}

describeInChromium('the keyboard', () => {
  it('starts and stops a search, selects tokens, and moves the time slider', async () => {
    const view = await openPage();
    const { page } = view;
    const { keyboard } = page;
    await tabTo(page, 'prompt');
    await keyboard.press('ControlOrMeta+a');
    await keyboard.type('The little bird');
    await tabTo(page, 'searches');
    await keyboard.press('ArrowRight');
    await keyboard.press('ArrowLeft');
    await tabTo(page, 'max_tokens');
    await keyboard.press('ControlOrMeta+a');
    await keyboard.type('300');
    await keyboard.press('ControlOrMeta+Enter');
    await page.locator('#tree text.run').nth(8).waitFor();
    await keyboard.press('Escape');
    await view.waitForEnd('stopped');

    await keyboard.press('ControlOrMeta+a');
    await keyboard.type('12');
    await tabTo(page, 'more');
    await page.keyboard.press('Shift+Tab');
    await keyboard.press('Enter');
    await view.waitForEnd();
    expect(view.requests.at(-1)).toMatchObject({ prompt: 'The little bird', num_beams: 4, max_tokens: 12 });
    expect(await view.texts()).toEqual(await view.apiTexts());

    await tabTo(page, 'texts');
    await keyboard.press('ArrowRight');
    await keyboard.press('ArrowRight');
    const focused = await page.evaluate<string>('document.activeElement.textContent');
    expect(focused).toBe(await view.tokens.nth(2).textContent());
    expect(await page.locator('#token caption code').textContent()).toBe(focused);
    await keyboard.press('End');
    expect(await view.tokens.last().getAttribute('aria-selected')).toBe('true');

    await tabTo(page, 'time-slider');
    await keyboard.press('ArrowLeft');
    await keyboard.press('ArrowLeft');
    await expect.poll(() => page.locator('#time-label').textContent()).toBe('step 10 of 12');
    await tabTo(page, 'tree-scroller');
    await tabTo(page, 'outline');
    await keyboard.press('Enter');
    await page.locator('#outline-list li').first().waitFor();
  });

  it('always has a visible focus', async () => {
    const { page } = await openPage('num_beams=2&max_tokens=4&run=1');
    await page.locator('#result[data-state=done]').waitFor();
    const withoutOutline = new Set<string>();
    for (let presses = 0; presses < 45; presses++) {
      await page.keyboard.press('Tab');
      const html = await page.evaluate<string>(`(() => {
        const element = document.activeElement;
        const shown = element.closest('label') ?? element;
        const outlined = [element, shown].some((target) => getComputedStyle(target).outlineStyle !== 'none');
        return element === document.body || outlined ? '' : element.outerHTML;
      })()`);
      if (html) withoutOutline.add(html);
    }
    expect([...withoutOutline]).toEqual([]);
  });
});

describeInChromium('a screen reader', () => {
  it('announces sentences, and how the search ended', async () => {
    const { page } = await openPage('search=greedy&max_tokens=40');
    await page.evaluate(`
      window.announced = [];
      new MutationObserver((changes) => {
        for (const { addedNodes } of changes) for (const node of addedNodes) announced.push(node.textContent);
      }).observe(document.querySelector('#live'), { childList: true });
    `);
    await page.getByRole('button', { name: 'Generate' }).click();
    await page.locator('#result[data-state=done]').waitFor();
    await page.locator('#live [data-end]').waitFor({ state: 'attached' });
    const announced = await page.evaluate<string[]>('announced');
    expect(announced.length).toBeLessThan(9);
    expect(announced.at(-1)).toBe('Done. ');
    const [text] = await page.locator('.tokens').allTextContents();
    const words = (joined: string) => joined.split(/\s+/).filter(Boolean);
    expect(words(announced.slice(0, -1).join(' '))).toEqual(words(text ?? ''));
  });

  it('reads the tree of the selected step as lists', async () => {
    const view = await openPage('num_beams=4&max_tokens=10&run=1');
    await view.waitForEnd();
    await view.page.getByText('The tree as text').click();
    const items = view.page.locator('#outline-list li');
    await expect.poll(() => items.count()).toBe((await view.runs()).length);
    const outline = (await items.allTextContents()).join('\n');
    expect(outline).toMatch(/“[^”]+”, steps? \d+( to \d+)?: dropped/);
    expect(outline).toMatch(/finished \(length\) with score −\d\.\d{3}, returned as text 1/);
    await view.button('First step').click();
    await expect.poll(() => items.count()).toBe(4);
  });
});
