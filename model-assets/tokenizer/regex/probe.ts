/** @module Whether a regular expression takes too long: one that backtracks without end would hang the Worker. */
import { runInNewContext } from 'node:vm';
import { excerpt, fail } from '../files/folder.ts';

/** Characters of a probe. At this length, cubic time is noticed, and quadratic time, which GPT-2's own takes, is not. */
const LENGTH = 1000;
/** For all probes of an expression together. Real ones take a few milliseconds. */
const TIMEOUT_MS = 3000;
/** Letters, digits, spaces, and others that many expressions mention. */
const CHARACTERS = ['a', 'A', 'é', '中', '1', ' ', '\n', '.', '_', "'", '\u0301'];
const MAX_OWN_CHARACTERS = 24;

/** Characters that stand next to each other in an expression, as in `(?:ab|a|b)*`. */
const pairs = (own: readonly string[], i: number): string[] =>
  own[i] && own[i + 1] ? [`${own[i]}${own[i + 1]}`, `${own[i + 1]}${own[i]}`] : [];

/**
 * Matches texts of one character, and of two in turn, each with an end that does not fit.
 * @param pattern as the file has it, whose characters are tried too
 * @param location file and field, for errors
 * @throws CheckpointError if that takes seconds
 */
export function probeRegex({ source, flags }: RegExp, pattern: string, location: string): void {
  const own = [...new Set(pattern.match(/\p{L}|\p{N}|[^\x20-\x7e]/gu))].slice(0, MAX_OWN_CHARACTERS);
  const characters = [...new Set([...CHARACTERS, ...own])];
  const texts = characters.flatMap((character, i) => {
    const other = characters[(i + 1) % characters.length] as string; // there are some
    return [character, `${character} `, `${character}${other}`, ...pairs(own, i)].map(
      (unit) => `${unit.repeat(LENGTH / unit.length)}\u0001`,
    );
  });
  try {
    runInNewContext(
      'const regex = new RegExp(source, flags); for (const text of texts) for (const match of text.matchAll(regex)) count++;',
      { source, flags, texts, count: 0 },
      { timeout: TIMEOUT_MS },
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
    fail(
      location,
      `the regular expression ${excerpt(pattern)} takes more than ${TIMEOUT_MS / 1000} seconds for texts of ` +
        `${LENGTH} characters: it would hang the Worker`,
    );
  }
}
