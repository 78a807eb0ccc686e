/**
 * @module `npm run release`: checks that the repository can be released as it is, and releases it. With `--dry-run` it only
 * prints what it would do.
 */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Command } from 'commander';
import { findPackageFaults, packPackages } from './pack.ts';
import { findVersionFaults, releasedChangelog } from './versions.ts';

const ROOT = join(import.meta.dirname, '..');
const run = promisify(execFile);

const program = new Command('npm run release --')
  .description(
    'Checks the repository, and publishes edgebeam and create-edgebeam at the version in package.json.',
  )
  .option('--dry-run', 'do everything but the commit, the tag and the upload')
  .parse();

await release(program.opts<{ dryRun?: true }>());

async function release({ dryRun = false }: { readonly dryRun?: boolean }): Promise<void> {
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  const tag = `v${version}`;
  const faults = [...(await findTreeFaults(tag)), ...(await findVersionFaults(ROOT))];
  // A build of what cannot be released would only take time.
  refuse(faults);
  const folder = await mkdtemp(join(tmpdir(), 'edgebeam-release-'));
  try {
    console.log(`Packing ${version} …`);
    const { edgebeam, createEdgebeam } = await packPackages(folder);
    refuse(await findPackageFaults(edgebeam));
    for (const tarball of [edgebeam, createEdgebeam])
      console.log(
        `${tarball.slice(folder.length + 1)}: ${((await stat(tarball)).size / 2 ** 20).toFixed(2)} MiB`,
      );
    const date = new Date().toISOString().slice(0, 10);
    const steps = [
      ['git', 'commit', '--all', '--message', `Release ${version}`],
      ['git', 'tag', tag],
      ['npm', 'publish', edgebeam],
      ['npm', 'publish', createEdgebeam],
      ['git', 'push', '--follow-tags'],
    ];
    console.log(`${dryRun ? 'Would date' : 'Dating'} ${version} in CHANGELOG.md: ${date}`);
    if (!dryRun) {
      const path = join(ROOT, 'CHANGELOG.md');
      await writeFile(path, releasedChangelog(await readFile(path, 'utf8'), version, date));
    }
    for (const [command = '', ...args] of steps) {
      console.log(`${dryRun ? 'Would run' : 'Running'}: ${command} ${args.join(' ')}`);
      if (!dryRun) runStep(command, args);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The tree must be what the tag will say. */
async function findTreeFaults(tag: string): Promise<string[]> {
  const { stdout: changes } = await run('git', ['status', '--porcelain'], { cwd: ROOT });
  const { stdout: tags } = await run('git', ['tag', '--list', tag], { cwd: ROOT });
  return [
    ...(changes === '' ? [] : [`there are uncommitted changes:\n${changes.trimEnd()}`]),
    ...(tags === '' ? [] : [`the tag ${tag} exists: raise the version in package.json`]),
  ];
}

function refuse(faults: readonly string[]): void {
  if (faults.length > 0) program.error(faults.map((fault) => `release: ${fault}`).join('\n'));
}

function runStep(command: string, args: readonly string[]): void {
  const { status } = spawnSync(command, args, {
    cwd: ROOT,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (status !== 0) program.error(`release: ${command} failed; what came before it has been done`);
}
