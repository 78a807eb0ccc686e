/** @module Statistics, and figures and tables as Markdown. */

/** @param numbers at least one */
export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  // For an odd length both indices are the middle one.
  return ((sorted[Math.ceil(middle) - 1] as number) + (sorted[Math.floor(middle)] as number)) / 2;
}

/**
 * By nearest rank: the smallest number that is at least as large as `percent` percent of the numbers.
 * @param numbers at least one
 * @param percent above 0, up to 100
 */
export function percentile(numbers: readonly number[], percent: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.ceil((percent / 100) * sorted.length) - 1] as number;
}

export const milliseconds = (value: number) => value.toFixed(value < 100 ? 1 : 0);

export const mebibytes = (bytes: number | null | undefined) => (bytes ? (bytes / 2 ** 20).toFixed(0) : '–');

export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const ruler = header.map((_, i) => (i === 0 ? '---' : '--:'));
  return [header, ruler, ...rows].map(line).join('\n');
}
