/** @module The choice of an adapter on the page, and texts longer than the context. */
import { expect, it } from 'vitest';
import { startDevServer } from '../../worker/dev/child-server.ts';
import { ensureAdapterModel } from '../support/adapter-model.ts';
import { ADAPTERS_INT8 } from '../support/models.ts';
import { describeInChromium, openPage } from '../support/search-page.ts';

describeInChromium('a model with adapters', () => {
  it('lets one choose, by the form and by a link', async () => {
    await ensureAdapterModel();
    await using server = await startDevServer('--model', ADAPTERS_INT8);
    const view = await openPage('search=greedy&max_tokens=8&model=blue', { server: server.url });
    const { page } = view;
    const choice = page.getByLabel('model', { exact: true });
    await expect
      .poll(() => choice.locator('option').allTextContents())
      .toEqual(['default', 'blue', 'red', 'green', 'wide']);
    const run = async () => {
      await view.generate();
      await view.waitForEnd();
      expect(await view.texts()).toEqual(await view.apiTexts());
      return view.requests.at(-1)?.model;
    };
    expect(await run()).toBe('blue');
    await choice.selectOption('red');
    expect(await page.evaluate('location.hash')).toContain('model=red');
    expect(await run()).toBe('red');
    await choice.selectOption('default');
    expect(await run()).toBeUndefined();
  });
});

describeInChromium('a text longer than the context', () => {
  it('says how often the model has lost sight of tokens', async () => {
    const prompt = encodeURIComponent('The dog ran. '.repeat(200));
    const view = await openPage(`search=greedy&truncation=auto&max_tokens=4&prompt=${prompt}`);
    const { page } = view;
    await view.generate();
    await view.waitForEnd();
    expect(await page.locator('#resets').textContent()).toContain('lost sight of tokens 1 time.');
    expect(await page.locator('#passes').textContent()).toBe('–');
    await page.getByLabel('Prompt').fill('The dog');
    await view.generate();
    await view.waitForEnd();
    expect(await page.locator('#resets').isVisible()).toBe(false);
  });

  it('has a choice of models only where there are several', async () => {
    const view = await openPage();
    await expect.poll(() => view.page.locator('#model').textContent()).toContain('default');
    expect(await view.page.getByLabel('model', { exact: true }).isVisible()).toBe(false);
  });
});
