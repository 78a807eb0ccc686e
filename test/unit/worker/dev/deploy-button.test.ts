/** @module What Cloudflare's Deploy button reads: the repository's address, its bindings and its secrets. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..', '..', '..');
const read = (path: string) => readFile(join(ROOT, path), 'utf8');

interface Package {
  readonly repository: { readonly url: string };
  readonly scripts: Readonly<Record<string, string>>;
  readonly cloudflare: { readonly bindings: Readonly<Record<string, { readonly description: string }>> };
}
const { repository, scripts, cloudflare } = JSON.parse(await read('package.json')) as Package;

it('deploys the repository of package.json, which is public on GitHub', async () => {
  expect(repository.url).toMatch(/^https:\/\/github\.com\/[\w-]+\/[\w-]+$/);
  const [, url] =
    /\(https:\/\/deploy\.workers\.cloudflare\.com\/\?url=(\S+)\)/.exec(await read('README.md')) ?? [];
  expect(url).toBe(repository.url);
});

it('runs the scripts that it finds in package.json', () => {
  expect(Object.keys(scripts)).toEqual(expect.arrayContaining(['build', 'deploy']));
});

it('describes every binding of wrangler.toml and every secret of .dev.vars.example', async () => {
  const types = await read('worker-configuration.d.ts');
  const [, members = ''] = /interface __BaseEnv_Env \{([^}]*)\}/.exec(types) ?? [];
  const names = (text: string, pattern: RegExp) => Array.from(text.matchAll(pattern), ([, name]) => name);
  const bindings = names(members, /^\s*(\w+)\??:/gm);
  const secrets = names(await read('.dev.vars.example'), /^(\w+)=/gm);
  expect(secrets).toEqual(['API_KEYS', 'ADMIN_KEYS']);
  expect(Object.keys(cloudflare.bindings).sort()).toEqual([...bindings, ...secrets].sort());
});
