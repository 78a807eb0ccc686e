import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { DEFAULT_SETTINGS } from '../../../../worker/http/default-settings.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..', '..');

it('has the settings of wrangler.toml as defaults', async () => {
  const toml = await readFile(join(ROOT, 'wrangler.toml'), 'utf8');
  const [, vars = ''] = toml.split('[vars]\n');
  const [section = ''] = vars.split('\n[');
  const numbers = [...section.matchAll(/^(\w+) = ([\d.]+)$/gm)].map(([, name, value]) => [
    name,
    Number(value),
  ]);
  expect(Object.fromEntries(numbers)).toEqual(DEFAULT_SETTINGS);
});
