/** @module The page without a mouse, and for who does not see it. */
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { describeInChromium, openPage } from '../support/search-page.ts';

/** Presses Tab until the element with this id, or the first of this role in it, has the focus. */
async function tabTo(page: Page, id: string): Promise<void> {
  const here = `document.activeElement.closest('#${id}') !== null`;
  for (let presses = 0; presses < 60; presses++) {
    if (await page.evaluate(here)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`Tab does not lead to #${id}`);
}

describeInChromium('the keyboard alone', () => {
  it('asks, stops, reads tokens, and goes through time', async () => {
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
    await view.over('stopped');

    await keyboard.press('ControlOrMeta+a');
    await keyboard.type('12');
    await tabTo(page, 'more');
    await page.keyboard.press('Shift+Tab');
    await keyboard.press('Enter');
    await view.over();
    expect(view.asked.at(-1)).toMatchObject({ prompt: 'The little bird', num_beams: 4, max_tokens: 12 });
    expect(await view.texts()).toEqual(await view.answers());

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

  it('always shows where it is', async () => {
    const { page } = await openPage('num_beams=2&max_tokens=4&run=1');
    await page.locator('#result[data-state=done]').waitFor();
    const unseen = new Set<string>();
    for (let presses = 0; presses < 45; presses++) {
      await page.keyboard.press('Tab');
      const found = await page.evaluate<string>(`(() => {
        const element = document.activeElement;
        const shown = element.closest('label') ?? element;
        const outlined = [element, shown].some((one) => getComputedStyle(one).outlineStyle !== 'none');
        return element === document.body || outlined ? '' : element.outerHTML;
      })()`);
      if (found) unseen.add(found);
    }
    expect([...unseen]).toEqual([]);
  });
});

describeInChromium('who listens', () => {
  it('hears sentences, and how it ended', async () => {
    const { page } = await openPage('search=greedy&max_tokens=40');
    await page.evaluate(`
      window.heard = [];
      new MutationObserver((changes) => {
        for (const { addedNodes } of changes) for (const node of addedNodes) heard.push(node.textContent);
      }).observe(document.querySelector('#live'), { childList: true });
    `);
    await page.getByRole('button', { name: 'Generate' }).click();
    await page.locator('#result[data-state=done]').waitFor();
    await page.locator('#live [data-end]').waitFor({ state: 'attached' });
    const heard = await page.evaluate<string[]>('heard');
    expect(heard.length).toBeLessThan(9);
    expect(heard.at(-1)).toBe('Done. ');
    const [text] = await page.locator('.tokens').allTextContents();
    const words = (all: string) => all.split(/\s+/).filter(Boolean);
    expect(words(heard.slice(0, -1).join(' '))).toEqual(words(text ?? ''));
  });

  it('has the tree as lists, of the step that is looked at', async () => {
    const view = await openPage('num_beams=4&max_tokens=10&run=1');
    await view.over();
    await view.page.getByText('The tree as text').click();
    const items = view.page.locator('#outline-list li');
    await expect.poll(() => items.count()).toBe((await view.runs()).length);
    const all = (await items.allTextContents()).join('\n');
    expect(all).toMatch(/“[^”]+”, steps? \d+( to \d+)?: dropped/);
    expect(all).toMatch(/finished \(length\) with score −\d\.\d{3}, returned as text 1/);
    await view.button('First step').click();
    await expect.poll(() => items.count()).toBe(4);
  });
});
