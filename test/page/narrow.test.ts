/** @module The page in one column, as on a phone: the answer is in sight after Generate. */
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { describeInChromium, openPage } from '../support/search-page.ts';

const PHONE = { viewport: { width: 390, height: 844 } };
/** Lines of a text that must be in sight, in pixels. */
const LINES = 120;

/** Where the first text begins, in pixels below the top of the window, once the window has stopped scrolling. */
async function topOfAnswer(page: Page): Promise<number> {
  const topNow = () => page.evaluate<number>("document.querySelector('#texts').getBoundingClientRect().top");
  let top = await topNow();
  await expect
    .poll(async () => {
      const before = top;
      await page.waitForTimeout(100);
      top = await topNow();
      return top === before;
    })
    .toBe(true);
  return top;
}

async function expectInSight(page: Page): Promise<void> {
  const top = await topOfAnswer(page);
  expect(top).toBeGreaterThanOrEqual(0);
  expect(top).toBeLessThan(PHONE.viewport.height - LINES);
}

const isOpen = (page: Page) => page.evaluate<boolean>("document.querySelector('#options').open");

describeInChromium('a narrow screen', () => {
  it('shows the answer after Generate, without scrolling', async () => {
    const view = await openPage('max_tokens=16', PHONE);
    expect(await isOpen(view.page)).toBe(false);
    await view.generate();
    await view.page.locator('.tokens [role=option]').first().waitFor();
    await expectInSight(view.page);
    await view.waitForEnd();
    await expectInSight(view.page);
    expect(await view.page.evaluate('scrollY')).toBe(0);
  });

  it('folds open options after Generate, and keeps the focus', async () => {
    const view = await openPage('', PHONE);
    const { page } = view;
    await page.getByText('Options and examples').click();
    await page.getByLabel('Choices').check();
    await page.getByLabel('max_tokens').fill('12');
    await page.getByLabel('max_tokens').press('Enter');
    await view.waitForEnd();
    expect(await isOpen(page)).toBe(false);
    expect(await page.evaluate('document.activeElement.id')).toBe('options-summary');
    await expectInSight(page);
    expect(view.requests.at(-1)).toMatchObject({ max_tokens: 12, structured_outputs: {} });
  });

  it.each(['reduce', 'no-preference'] as const)(
    'scrolls to an answer below it, with motion: %s',
    async (reducedMotion) => {
      const view = await openPage('max_tokens=8', { viewport: { width: 844, height: 390 }, reducedMotion });
      await view.generate();
      const top = await topOfAnswer(view.page);
      expect(top).toBeGreaterThanOrEqual(0);
      expect(top).toBeLessThan(390 - LINES);
      await view.waitForEnd();
    },
  );

  it('opens the options with the keyboard, and for an error in them', async () => {
    const view = await openPage('n=9&max_tokens=5', { ...PHONE, expectedErrors: /status of 400/ });
    const { page } = view;
    await page.locator('#options-summary').press('Enter');
    expect(await isOpen(page)).toBe(true);
    await page.locator('#options-summary').press('Enter');
    expect(await isOpen(page)).toBe(false);
    await view.generate();
    await view.waitForEnd('failed');
    expect(await isOpen(page)).toBe(true);
    expect(await page.evaluate('document.activeElement.id')).toBe('n');
  });

  it('has the options beside the answer once it is wide', async () => {
    const view = await openPage('', PHONE);
    await view.page.setViewportSize({ width: 1280, height: 844 });
    await view.page.getByLabel('max_tokens').waitFor();
    expect(await view.page.locator('#options-summary').isVisible()).toBe(false);
  });
});
