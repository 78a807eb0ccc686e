/** @module The page in a real browser, for tests. Unexpected console errors and warnings fail the test. */
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished } from 'vitest';
import './clients-server.ts';
import { completionResponse } from '../../worker/contracts/openai/responses.ts';
import { findChromium, launchChromium } from './chromium.ts';

/** Shorter than a test's timeout, so that Playwright's error names the locator that it waited for. */
const TIMEOUT_MILLISECONDS = 20_000;

const found = await findChromium();
let browser: Browser;

/** Tests in a browser; skipped if there is none, with the reason in the title. */
export function describeInChromium(name: string, tests: () => void): void {
  if ('missing' in found) {
    describe.skip(`${name} (${found.missing})`, tests);
    return;
  }
  describe(name, () => {
    beforeAll(async () => {
      browser = await launchChromium(found);
    });
    afterAll(() => browser.close());
    tests();
  });
}

export interface OpenOptions extends BrowserContextOptions {
  /** URL of a server other than the shared one. */
  readonly server?: string;
  /** Console messages that do not fail the test. */
  readonly expectedErrors?: RegExp;
}

/** Opens the page with a URL fragment; closes it after the test. Unexpected console errors fail the test. */
export async function openPage(fragment = '', options: OpenOptions = {}): Promise<SearchPage> {
  const { server = inject('server'), expectedErrors, ...context } = options;
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, ...context });
  page.setDefaultTimeout(TIMEOUT_MILLISECONDS);
  const opened = new SearchPage(page, server);
  onTestFinished(async () => {
    await page.close();
    expect(opened.errors.filter((error) => !expectedErrors?.test(error))).toEqual([]);
  });
  await page.goto(`${server}/${fragment && `#${fragment}`}`);
  return opened;
}

export class SearchPage {
  readonly page: Page;
  readonly server: string;
  /** Console errors and warnings, uncaught errors, CSP violations, and requests to other origins. */
  readonly errors: string[] = [];
  /** Bodies of the completion requests so far. */
  readonly requests: Record<string, unknown>[] = [];

  constructor(page: Page, server: string) {
    this.page = page;
    this.server = server;
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) this.errors.push(message.text());
    });
    page.on('pageerror', (error) => this.errors.push(String(error)));
    page.on('request', (request) => {
      const foreign = !request.url().startsWith(`${server}/`);
      if (foreign) this.errors.push(`request to another origin: ${request.url()}`);
      if (request.method() === 'POST') this.requests.push(request.postDataJSON());
    });
  }

  button(name: string): Locator {
    return this.page.getByRole('button', { name, exact: true });
  }

  /** The tokens of all texts, as elements. */
  get tokens(): Locator {
    return this.page.locator('.tokens [role=option]');
  }

  async generate(): Promise<void> {
    await this.button('Generate').click();
  }

  /** Waits until the search has ended in `state`. */
  async waitForEnd(state = 'done'): Promise<void> {
    await this.page.locator(`#result[data-state="${state}"]`).waitFor({ state: 'attached' });
    // The last events are drawn with the next frame.
    await this.page.evaluate('new Promise(requestAnimationFrame)');
  }

  /** The generated texts on screen, without the prompt. */
  async texts(): Promise<string[]> {
    return await this.page
      .locator('.tokens')
      .evaluateAll((elements) => elements.map(({ textContent }) => textContent ?? ''));
  }

  /** The API's texts for the page's last request, sent again without streaming. */
  async apiTexts(): Promise<string[]> {
    const { stream, stream_options, ...body } = this.requests.at(-1) ?? {};
    const response = await fetch(`${this.server}/v1/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return completionResponse.parse(await response.json()).choices.map(({ text }) => text);
  }

  /** Texts of the tree's runs, each with its mark. */
  async runs(): Promise<string[]> {
    return await this.page
      .locator('#tree text.run')
      .evaluateAll((elements) => elements.map(({ textContent }) => textContent ?? ''));
  }
}
