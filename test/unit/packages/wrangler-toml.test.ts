import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { packagedConfiguration } from '../../../packages/edgebeam/wrangler-toml.ts';

const TOML = `name = "edgebeam"
main = "worker/index.ts"

# Comment of alias.
# Second line.
[alias]
"module" = "./absent.ts"

# Comment of build.
[build]
command = "node build"

# Comment of assets.
[assets]
directory = "./model"
`;

it('has the package’s files, and no section of the repository alone', () => {
  expect(packagedConfiguration(TOML)).toBe(`name = "edgebeam"
main = "PACKAGE/standalone.js"

# Comment of assets.
[assets]
directory = "PACKAGE/model"
`);
});

it('keeps all settings of wrangler.toml', async () => {
  const path = join(import.meta.dirname, '..', '..', '..', 'wrangler.toml');
  const packaged = packagedConfiguration(await readFile(path, 'utf8'));
  expect(packaged).toContain('HEAP_MIB = ');
  expect(packaged).toContain('[limits]\ncpu_ms = ');
  expect(packaged).not.toMatch(/\.\/|\[alias|\[build|worker\//);
});

it('refuses a configuration of another form', () => {
  expect(() => packagedConfiguration('main = "a"\n')).toThrow('wrangler.toml has nothing of the form');
});
