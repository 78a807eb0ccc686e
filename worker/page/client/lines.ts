/** @module A list of texts as typed, one a line. */

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', '\\': '\\' };

/** Leaves out empty lines. The escapes are `\n` for a line break, `\t` for a tab, and `\\` for a backslash. */
export function parseLines(value: string): readonly string[] {
  return value
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.replace(/\\([nt\\])/g, (_, letter: string) => ESCAPES[letter] ?? letter));
}
