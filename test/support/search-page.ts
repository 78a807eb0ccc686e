/** @module The page in a real browser, and what a test does to it. What it should not say to its console fails the test. */
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished } from 'vitest';
import './clients-server.ts';
import { completionResponse } from '../../worker/contracts/openai/responses.ts';
import { findChromium, launchChromium } from './chromium.ts';

/** Long enough for any search here; shorter than a test may take, so that it says what it waited for. */
const TIMEOUT_MILLISECONDS = 20_000;

const found = await findChromium();
let browser: Browser;

/** Tests with a browser. Where there is none they are skipped, and say why. */
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
  /** Of the test's own server, where it has one. */
  readonly server?: string;
  /** What the console may say. */
  readonly expected?: RegExp;
}

/** Opens the page with a search behind `#`, and closes it with the test, which fails if the console told of an error. */
export async function openPage(fragment = '', options: OpenOptions = {}): Promise<SearchPage> {
  const { server = inject('server'), expected, ...context } = options;
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, ...context });
  page.setDefaultTimeout(TIMEOUT_MILLISECONDS);
  const opened = new SearchPage(page, server);
  onTestFinished(async () => {
    await page.close();
    expect(opened.complaints.filter((complaint) => !expected?.test(complaint))).toEqual([]);
  });
  await page.goto(`${server}/${fragment && `#${fragment}`}`);
  return opened;
}

export class SearchPage {
  readonly page: Page;
  readonly server: string;
  /** Errors and warnings of the console, uncaught errors, and violations of the content security policy. */
  readonly complaints: string[] = [];
  /** Bodies of the requests that it made. */
  readonly asked: Record<string, unknown>[] = [];

  constructor(page: Page, server: string) {
    this.page = page;
    this.server = server;
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) this.complaints.push(message.text());
    });
    page.on('pageerror', (error) => this.complaints.push(String(error)));
    page.on('request', (request) => {
      const foreign = !request.url().startsWith(`${server}/`);
      if (foreign) this.complaints.push(`asked ${request.url()}`);
      if (request.method() === 'POST') this.asked.push(request.postDataJSON());
    });
  }

  button(name: string): Locator {
    return this.page.getByRole('button', { name, exact: true });
  }

  /** What of the texts can be pointed at. */
  get tokens(): Locator {
    return this.page.locator('.tokens [role=option]');
  }

  async generate(): Promise<void> {
    await this.button('Generate').click();
  }

  /** Until the search is over, in one of the ways that it may be. */
  async over(state = 'done'): Promise<void> {
    await this.page.locator(`#result[data-state="${state}"]`).waitFor({ state: 'attached' });
    // What came last is drawn with the next frame.
    await this.page.evaluate('new Promise(requestAnimationFrame)');
  }

  /** The texts as they stand there, without the prompt. */
  async texts(): Promise<string[]> {
    return await this.page
      .locator('.tokens')
      .evaluateAll((all) => all.map(({ textContent }) => textContent ?? ''));
  }

  /** The texts that the API gives for what the page has asked last, when it is asked without a stream. */
  async answers(): Promise<string[]> {
    const { stream, stream_options, ...body } = this.asked.at(-1) ?? {};
    const response = await fetch(`${this.server}/v1/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return completionResponse.parse(await response.json()).choices.map(({ text }) => text);
  }

  /** Of the tree's runs, each with its mark. */
  async runs(): Promise<string[]> {
    return await this.page
      .locator('#tree text.run')
      .evaluateAll((all) => all.map(({ textContent }) => textContent ?? ''));
  }
}
