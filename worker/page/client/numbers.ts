/** @module Numbers and tokens as they are shown. */

/** With a real minus. */
export const signed = (value: number, digits = 2): string => value.toFixed(digits).replace('-', '−');

export const percent = (logprob: number): string => {
  const value = Math.exp(logprob) * 100;
  return `${value >= 99.95 ? '100' : value.toFixed(value < 0.1 ? 3 : 1)} %`;
};

export const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

export const seconds = (milliseconds: number): string =>
  milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(2)} s`;

/** The end of a text, as GPT-2's vocabulary writes it. */
const END_OF_TEXT = '<|endoftext|>';

/** White space that would not be seen, and the end, as signs. */
export const visible = (text: string): string =>
  text.replaceAll(END_OF_TEXT, '⟨end⟩').replaceAll('\n', '↵').replaceAll('\t', '⇥').replaceAll('\r', '␍');

/** Characters that fonts of one width make twice as wide: East Asian ones, and pictures. */
const WIDE =
  /[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6]|\p{Emoji_Presentation}/u;

/** Widths of a character that a text takes in a font that has one for all. */
export function cellsOf(text: string): number {
  let cells = 0;
  for (const character of text) cells += WIDE.test(character) ? 2 : 1;
  return cells;
}
