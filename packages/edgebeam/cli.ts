#!/usr/bin/env node
/** @module `npx edgebeam COMMAND`: each command is a module that reads its arguments itself. */

/** Replaced when the package is built. */
declare const VERSION: string;

export {};

interface Entry {
  readonly summary: string;
  readonly run: () => Promise<unknown>;
}

const COMMANDS: Readonly<Record<string, Entry>> = {
  start: {
    summary: 'serve text from a converted model in workerd on this machine',
    run: () => import('../../worker/dev/start.ts'),
  },
  convert: {
    summary: 'convert a GPT-2 checkpoint into a folder that edgebeam can serve',
    run: () => import('../../model-assets/cli/convert.ts'),
  },
  catalogue: {
    summary: 'pack a list of texts, which requests can search by their likelihood',
    run: () => import('../../model-assets/cli/catalogue.ts'),
  },
  adapter: {
    summary: 'add a LoRA adapter to a converted model',
    run: () => import('../../model-assets/cli/adapter.ts'),
  },
  evaluate: {
    summary: 'compare a converted model with another on a text',
    run: () => import('../../model-assets/cli/evaluate.ts'),
  },
  deploy: {
    summary: 'deploy the Worker with a converted model to Cloudflare',
    run: () => import('../../worker/dev/deploy.ts'),
  },
};

const width = Math.max(...Object.keys(COMMANDS).map((name) => name.length));
const list = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}\n`);
const USAGE = `Usage: edgebeam <command> [options]

Commands:
${list.join('')}
edgebeam <command> --help shows a command's options, edgebeam --version the version.
`;

const [first = '--help', ...rest] = process.argv.slice(2);
// `edgebeam help COMMAND` is `edgebeam COMMAND --help`.
const [name, args] = first === 'help' && rest[0] !== undefined ? [rest[0], ['--help']] : [first, rest];
const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
if (command) {
  process.argv.splice(2, Infinity, ...args);
  await command.run();
} else if (name === '--version' || name === '-V') {
  process.stdout.write(`${VERSION}\n`);
} else if (name === '--help' || name === '-h' || name === 'help') {
  process.stdout.write(USAGE);
} else {
  process.stderr.write(`edgebeam: there is no command ${JSON.stringify(name)}\n\n${USAGE}`);
  process.exitCode = 2;
}
