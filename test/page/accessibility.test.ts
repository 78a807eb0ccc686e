/** @module axe finds no violations in any state of the page, in both colour schemes, and on a phone. */
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { CONSTRAINTS } from '../../worker/page/client/constraint.ts';
import { describeInChromium, openPage, type SearchPage } from '../support/search-page.ts';

async function findViolations(page: Page): Promise<unknown[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<axe.AxeResults>('axe.run()');
  return violations.map(({ id, nodes }) => ({
    id,
    nodes: nodes.map(({ html, failureSummary }) => ({ html, failureSummary })),
  }));
}

const STATES: Readonly<
  Record<string, { readonly fragment: string; reach(view: SearchPage): Promise<unknown> }>
> = {
  empty: { fragment: '', reach: async () => {} },
  running: {
    fragment: 'num_beams=8&max_tokens=400&min_tokens=400&run=1',
    reach: (view) => view.page.locator('#tree text.run').nth(12).waitFor(),
  },
  done: {
    fragment: 'search=diverse&num_beams=4&n=2&max_tokens=16&stop=x&run=1',
    async reach(view) {
      await view.waitForEnd();
      await view.tokens.nth(2).hover();
      await view.page.getByText('The tree as text').click();
    },
  },
  'line breaks': {
    fragment: 'num_beams=4&max_tokens=48&run=1',
    async reach(view) {
      await view.waitForEnd();
      await view.page.getByLabel('line break').first().waitFor({ state: 'attached' });
    },
  },
  constrained: {
    fragment: `num_beams=4&max_tokens=32&json=${encodeURIComponent(CONSTRAINTS.json.example)}&run=1`,
    async reach(view) {
      await view.waitForEnd();
      await view.page.locator('.json .literal').first().waitFor();
      await view.tokens.nth(2).hover();
      await view.page.getByText('The tree as text').click();
    },
  },
  'single text': { fragment: 'search=greedy&max_tokens=8&run=1', reach: (view) => view.waitForEnd() },
  list: {
    fragment: '',
    async reach({ page }) {
      await page.getByText('Search a list while you type').click();
      await page.getByRole('combobox', { name: 'Beginning of a title' }).fill('The');
      await page.locator('#list-options').getByRole('option').nth(7).waitFor();
      await page.keyboard.press('ArrowDown');
    },
  },
  error: { fragment: 'n=9&max_tokens=5&run=1', reach: (view) => view.waitForEnd('failed') },
};

describeInChromium('axe', () => {
  it.each(Object.keys(STATES))('finds no violations, light and dark: %s', async (name) => {
    const state = STATES[name];
    if (!state) throw new Error(`no state ${name}`);
    const view = await openPage(state.fragment, { expectedErrors: /status of 400/ });
    await state.reach(view);
    for (const colorScheme of ['light', 'dark'] as const) {
      await view.page.emulateMedia({ colorScheme });
      expect(await findViolations(view.page), colorScheme).toEqual([]);
    }
  });

  it('finds no violations on a phone', async () => {
    const view = await openPage('num_beams=4&max_tokens=16&run=1', { viewport: { width: 360, height: 740 } });
    await view.waitForEnd();
    expect(await findViolations(view.page)).toEqual([]);
    await view.page.getByText('Options and examples').click();
    await view.page.getByLabel('JSON schema').check();
    expect(await findViolations(view.page)).toEqual([]);
  });

  it('finds a missing label', async () => {
    const { page } = await openPage();
    await page.evaluate('document.querySelector("label[for=prompt]").remove()');
    expect(await findViolations(page)).toContainEqual(expect.objectContaining({ id: 'label' }));
  });
});

describeInChromium('the page', () => {
  it('fits the width of any window', async () => {
    const view = await openPage('num_beams=8&n=2&max_tokens=30&run=1');
    await view.waitForEnd();
    for (const width of [320, 360, 768, 1280, 2560, 3840]) {
      await view.page.setViewportSize({ width, height: 900 });
      expect(await view.page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    }
  });

  it('has no transitions or animations with prefers-reduced-motion', async () => {
    const { page } = await openPage('max_tokens=6&run=1', { reducedMotion: 'reduce' });
    await page.locator('#result[data-state=done]').waitFor();
    const animatedElements =
      await page.evaluate(`Array.from(document.querySelectorAll('*')).filter((element) => {
      const { transitionDuration, animationName } = getComputedStyle(element);
      return transitionDuration !== '0s' || animationName !== 'none';
    }).length`);
    expect(animatedElements).toBe(0);
  });
});
