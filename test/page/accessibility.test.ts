/** @module axe finds nothing, in any state of the page, in either colour scheme, on a phone and on a desk. */
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { describeInChromium, openPage, type SearchPage } from '../support/search-page.ts';

async function violations(page: Page): Promise<unknown[]> {
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
      await view.over();
      await view.tokens.nth(2).hover();
      await view.page.getByText('The tree as text').click();
    },
  },
  'line breaks': {
    fragment: 'num_beams=4&max_tokens=48&run=1',
    async reach(view) {
      await view.over();
      await view.page.getByLabel('line break').first().waitFor({ state: 'attached' });
    },
  },
  alone: { fragment: 'search=greedy&max_tokens=8&run=1', reach: (view) => view.over() },
  error: { fragment: 'n=9&max_tokens=5&run=1', reach: (view) => view.over('failed') },
};

describeInChromium('axe', () => {
  it.each(Object.keys(STATES))('finds nothing, light or dark: %s', async (name) => {
    const state = STATES[name];
    if (!state) throw new Error(`no state ${name}`);
    const view = await openPage(state.fragment, { expected: /status of 400/ });
    await state.reach(view);
    for (const colorScheme of ['light', 'dark'] as const) {
      await view.page.emulateMedia({ colorScheme });
      expect(await violations(view.page), colorScheme).toEqual([]);
    }
  });

  it('finds nothing on a phone', async () => {
    const view = await openPage('num_beams=4&max_tokens=16&run=1', { viewport: { width: 360, height: 740 } });
    await view.over();
    expect(await violations(view.page)).toEqual([]);
  });

  it('would find what is wrong', async () => {
    const { page } = await openPage();
    await page.evaluate('document.querySelector("label[for=prompt]").remove()');
    expect(await violations(page)).toContainEqual(expect.objectContaining({ id: 'label' }));
  });
});

describeInChromium('the page', () => {
  it('is as wide as the window, whatever that is', async () => {
    const view = await openPage('num_beams=8&n=2&max_tokens=30&run=1');
    await view.over();
    for (const width of [320, 360, 768, 1280, 2560, 3840]) {
      await view.page.setViewportSize({ width, height: 900 });
      expect(await view.page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    }
  });

  it('moves nothing where motion is not wanted', async () => {
    const { page } = await openPage('max_tokens=6&run=1', { reducedMotion: 'reduce' });
    await page.locator('#result[data-state=done]').waitFor();
    const moving = await page.evaluate(`Array.from(document.querySelectorAll('*')).filter((element) => {
      const { transitionDuration, animationName } = getComputedStyle(element);
      return transitionDuration !== '0s' || animationName !== 'none';
    }).length`);
    expect(moving).toBe(0);
  });
});
