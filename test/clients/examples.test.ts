/** @module Runs the examples of the pages about clients, constraints, completions, scores and chats, with only the port changed. */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, inject, it } from 'vitest';
import { SERVER } from '../support/clients.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** Each code block with the output below it. */
async function examplesOf(page: string) {
  const text = await readFile(join(ROOT, 'docs', page), 'utf8');
  const headings = Array.from(text.matchAll(/^## (.*)$/gm), ({ index, 1: title = '' }) => ({ index, title }));
  const examples = Array.from(
    text.matchAll(/^```(js|sh)\n(.*?)^```\n\n```text\n(.*?)^```$/gms),
    ({ index, 1: language, 2: code = '', 3: printed = '' }) => ({
      title: headings.findLast((heading) => heading.index < index)?.title,
      language,
      code,
      printed,
    }),
  );
  return { examples, blocks: text.match(/^```(js|sh)$/gm)?.length };
}

const CLIENTS = await examplesOf('clients.md');
const CONSTRAINTS = await examplesOf('constraints.md');
const COMPLETIONS = await examplesOf('complete.md');
const SCORES = await examplesOf('score.md');
const CATALOGUES = await examplesOf('catalogues.md');
const CHATS = await examplesOf('chat.md');

async function run(language: string | undefined, code: string, server: string): Promise<string> {
  const [command, flags] = language === 'sh' ? ['sh', []] : [process.execPath, ['--input-type=module', '-']];
  const env = { ...process.env, NODE_NO_WARNINGS: '1' };
  const child = spawn(command, flags, { cwd: ROOT, env, stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(code.replaceAll('http://localhost:8787', server));
  return await text(child.stdout);
}

describe.each([
  { page: 'docs/clients.md', count: 6, server: SERVER, ...CLIENTS },
  { page: 'docs/constraints.md', count: 6, server: SERVER, ...CONSTRAINTS },
  { page: 'docs/complete.md', count: 3, server: SERVER, ...COMPLETIONS },
  { page: 'docs/score.md', count: 3, server: SERVER, ...SCORES },
  { page: 'docs/catalogues.md', count: 2, server: SERVER, ...CATALOGUES },
  { page: 'docs/chat.md', count: 2, server: inject('chatServer'), ...CHATS },
])('$page', ({ count, examples, blocks, server }) => {
  it('has its examples, each with its output', () => {
    expect(examples).toHaveLength(count);
    expect(blocks).toBe(count);
  });

  it.concurrent.each(examples)(
    'prints the documented output: $title',
    async ({ language, code, printed }) => {
      expect(code).toContain('http://localhost:8787');
      expect((await run(language, code, server)).trim()).toBe(printed.trim());
    },
  );
});
