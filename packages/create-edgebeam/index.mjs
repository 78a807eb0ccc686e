#!/usr/bin/env node
/** @module `npm create edgebeam FOLDER`: copies the template of a Worker. */
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const HERE = dirname(fileURLToPath(import.meta.url));
const USAGE = `Usage: npm create edgebeam [folder]

Makes a Cloudflare Worker that generates text with edgebeam, in a new or empty folder (default: edgebeam-worker).

Options:
  -h, --help     show this
  -V, --version  show the version
`;

/** Ends the process with the exit code of a wrong command line. */
function refuse(message) {
  process.stderr.write(`create-edgebeam: ${message}\n\n${USAGE}`);
  process.exit(2);
}

function commandLine() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: { help: { type: 'boolean', short: 'h' }, version: { type: 'boolean', short: 'V' } },
    });
  } catch (error) {
    return refuse(error.message);
  }
}

/** A name that Cloudflare accepts for a Worker, from that of the folder. */
function workerName(folder) {
  const name = basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 54)
    .replace(/^-+|-+$/g, '');
  return name === '' ? 'edgebeam-worker' : name;
}

const { values, positionals } = commandLine();
if (values.help) {
  process.stdout.write(USAGE);
} else if (values.version) {
  process.stdout.write(`${JSON.parse(readFileSync(join(HERE, 'package.json'), 'utf8')).version}\n`);
} else {
  if (positionals.length > 1) refuse(`expected one folder, not ${positionals.length}`);
  const [given = 'edgebeam-worker'] = positionals;
  const folder = resolve(given);
  if (existsSync(folder) && !statSync(folder).isDirectory()) refuse(`${given} is a file`);
  if (existsSync(folder) && readdirSync(folder).length > 0) refuse(`${given} is not empty`);
  create(folder);
  process.stdout.write(`${given} has a Worker with text generation at /llm. Next:

  cd ${/^[\w./\\:-]+$/.test(given) ? given : `"${given}"`}
  npm install
  npm run dev       # http://localhost:8787/llm
  npm test
  npm run deploy    # to Cloudflare
`);
}

function create(folder) {
  cpSync(join(HERE, 'template'), folder, { recursive: true });
  // npm leaves files of this name out of packages.
  renameSync(join(folder, 'gitignore'), join(folder, '.gitignore'));
  for (const file of ['package.json', 'wrangler.toml', 'README.md']) {
    const path = join(folder, file);
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll('WORKER_NAME', workerName(folder)));
  }
}
