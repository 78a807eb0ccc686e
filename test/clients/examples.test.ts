/** @module Runs the examples of docs/clients.md, with only the port changed. */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { SERVER } from '../support/clients.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const PAGE = await readFile(join(ROOT, 'docs', 'clients.md'), 'utf8');

const EXAMPLES = Array.from(
  PAGE.matchAll(/^## ([^\n]*)\n\n```(js|sh)\n(.*?)^```\n\n```text\n(.*?)^```$/gms),
  ([, title = '', language, code = '', printed = '']) => ({ title, language, code, printed }),
);

async function run(language: string | undefined, code: string): Promise<string> {
  const [command, flags] = language === 'sh' ? ['sh', []] : [process.execPath, ['--input-type=module', '-']];
  const env = { ...process.env, NODE_NO_WARNINGS: '1' };
  const child = spawn(command, flags, { cwd: ROOT, env, stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(code.replaceAll('http://localhost:8787', SERVER));
  return await text(child.stdout);
}

describe('docs/clients.md', () => {
  it('has an example for each client', () => {
    expect(EXAMPLES).toHaveLength(6);
    expect(PAGE.match(/^```(js|sh)$/gm)).toHaveLength(6);
  });

  it.concurrent.each(EXAMPLES)(
    'prints the documented output: $title',
    async ({ language, code, printed }) => {
      expect(code).toContain('http://localhost:8787');
      expect((await run(language, code)).trim()).toBe(printed.trim());
    },
  );
});
