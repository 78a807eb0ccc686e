/** @module `npm run catalogue -- FILE --model DIR --out FILE`: packs a list of texts, so that requests can search it. */
import { ListError } from '../catalogue/errors.ts';
import { type PackResult, packCatalogue } from '../catalogue/pack.ts';
import { createCommand, runCommand, runWithProgress } from './command.ts';

interface Flags {
  model: string;
  out: string;
  prefix: string;
}

const command = createCommand(
  'catalogue',
  'Packs a list of texts, which requests can search by their likelihood.',
)
  .argument(
    '<file>',
    'UTF-8: a text a line, or text, id and weight separated by tabs; .jsonl: a string or {"text", "id", "weight"} a line',
  )
  .requiredOption('--model <dir>', 'folder of the converted model that will search it')
  .requiredOption(
    '--out <file>',
    'file to write, in the folder catalogues of the model; its name without the suffix is the catalogue’s',
  )
  .option(
    '--prefix <text>',
    'text before every entry, in its tokens but not in its text, such as a space',
    '',
  )
  .action((list: string, flags: Flags) =>
    runWithProgress('catalogue', async ({ onProgress }, signal) =>
      summaryOf(await packCatalogue(list, { ...flags, onProgress, signal }), flags.out),
    ),
  );

function summaryOf(result: PackResult, out: string): string {
  const { name, entries, nodes, depth, bytes, memory, repeated, changed } = result;
  const number = (value: number) => value.toLocaleString('en');
  const lines = [
    ['name', name],
    ['entries', `${number(entries)}, of up to ${depth} tokens`],
    ['tokens', `${number(nodes)} in the trie`],
    ['file', `${number(bytes)} bytes, ${out}`],
    ['memory', `${number(memory)} bytes when it is loaded`],
    ...(repeated > 0 ? [['left out', `${number(repeated)} entries with the tokens of an earlier one`]] : []),
    ...(changed
      ? [
          [
            'changed',
            `${number(changed.count)} texts: the tokens of line ${changed.line} are ${JSON.stringify(changed.text)}`,
          ],
        ]
      : []),
  ];
  return lines.map(([label = '', text = '']) => `${label.padEnd(10)}${text}\n`).join('');
}

await runCommand(command, process.argv, [ListError]);
