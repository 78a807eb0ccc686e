/**
 * @module `npm run release`: checks that the repository can be released as it is, and releases it. With `--dry-run` it only
 * prints what it would do.
 */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { Command } from 'commander';
import { findPackageFaults, packPackages, type Tarballs } from './pack.ts';
import { findVersionFaults, releasedChangelog } from './versions.ts';

const ROOT = join(import.meta.dirname, '..');
const CHANGELOG = join(ROOT, 'CHANGELOG.md');
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
  // Before the build, which would only take time.
  refuse([...(await findTreeFaults(tag)), ...(await findVersionFaults(ROOT))]);
  const date = new Date().toISOString().slice(0, 10);
  const say = (doing: string, would: string, what: string) =>
    console.log(`${dryRun ? would : doing}: ${what}`);
  say('Dating', 'Would date', `${version}, ${date} in CHANGELOG.md`);
  const changelog = await readFile(CHANGELOG, 'utf8');
  const dated = releasedChangelog(changelog, version, date);
  // The package has it too.
  if (!dryRun) await writeFile(CHANGELOG, dated);
  const folder = await mkdtemp(join(tmpdir(), 'edgebeam-release-'));
  try {
    const { edgebeam, createEdgebeam } = await packChecked(folder).catch(async (error) => {
      await writeFile(CHANGELOG, changelog);
      throw error;
    });
    const steps = [
      ['git', 'commit', '--all', '--message', `Release ${version}`],
      ['git', 'tag', '--annotate', '--message', `Release ${version}`, tag],
      ['npm', 'publish', edgebeam],
      ['npm', 'publish', createEdgebeam],
      ['git', 'push', '--follow-tags'],
    ];
    for (const [command = '', ...args] of steps) {
      say('Running', 'Would run', [command, ...args].join(' '));
      if (!dryRun) runStep(command, args);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @throws Error if publint or Are The Types Wrong finds a fault */
async function packChecked(folder: string): Promise<Tarballs> {
  console.log('Packing …');
  const tarballs = await packPackages(folder);
  for (const tarball of Object.values(tarballs))
    console.log(`${basename(tarball)}: ${Math.ceil((await stat(tarball)).size / 1024)} KiB`);
  const faults = await findPackageFaults(tarballs.edgebeam);
  if (faults.length > 0) throw new Error(faults.join('\n'));
  return tarballs;
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
