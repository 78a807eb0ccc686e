import { join } from 'node:path';
import { expect, it } from 'vitest';
import { findVersionFaults, releasedChangelog } from '../../../packages/versions.ts';

it('is one version in all places', async () => {
  expect(await findVersionFaults(join(import.meta.dirname, '..', '..', '..'))).toEqual([]);
});

it('dates the first section of the changelog', () => {
  const changelog = '# Changes\n\n## 0.2.0, unreleased\n\n- New.\n\n## 0.1.0, 2026-12-01\n\n- Old.\n';
  expect(releasedChangelog(changelog, '0.2.0', '2027-01-31')).toBe(
    '# Changes\n\n## 0.2.0, 2027-01-31\n\n- New.\n\n## 0.1.0, 2026-12-01\n\n- Old.\n',
  );
  expect(() => releasedChangelog(changelog, '0.3.0', '2027-01-31')).toThrow('does not begin with 0.3.0');
});
