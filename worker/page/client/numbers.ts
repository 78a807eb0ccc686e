/** @module Formats numbers and tokens for the screen. */

/** With a minus sign (U+2212) instead of a hyphen. */
export const signed = (value: number, digits = 2): string => value.toFixed(digits).replace('-', '−');

export const percent = (logprob: number): string => {
  const value = Math.exp(logprob) * 100;
  return `${value >= 99.95 ? '100' : value.toFixed(value < 0.1 ? 3 : 1)} %`;
};

export const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

export const seconds = (milliseconds: number): string =>
  milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(2)} s`;

/** GPT-2's end-of-text token. */
const END_OF_TEXT = '<|endoftext|>';

/** Replaces line breaks, tabs and the end-of-text token with symbols. */
export const toVisible = (text: string): string =>
  text.replaceAll(END_OF_TEXT, '⟨end⟩').replaceAll('\n', '↵').replaceAll('\t', '⇥').replaceAll('\r', '␍');

/** Characters that take two cells in a monospace font: East Asian ones and emoji. */
const WIDE =
  /[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6]|\p{Emoji_Presentation}/u;

/** Width of a text in cells of a monospace font. */
export function cellWidth(text: string): number {
  let cells = 0;
  for (const character of text) cells += WIDE.test(character) ? 2 : 1;
  return cells;
}
