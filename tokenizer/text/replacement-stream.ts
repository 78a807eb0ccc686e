/** @module Replaces strings in a text that arrives in pieces. */
import type { Replacement } from '../format/text-description.ts';

/**
 * Replacements one after the other, each of all matches from left to right, as `text.replaceAll(pattern, content)` does
 * with the whole text. What may become a match is held back, which is less than a pattern for each replacement.
 */
export class ReplacementStream {
  readonly #replacements: readonly Replacement[];
  /** What each replacement holds back: the beginning of its pattern. */
  readonly #held: string[];

  constructor(replacements: readonly Replacement[], held?: readonly string[]) {
    this.#replacements = replacements;
    this.#held = held ? [...held] : replacements.map(() => '');
  }

  /** A stream in the same state. */
  fork(): ReplacementStream {
    return new ReplacementStream(this.#replacements, this.#held);
  }

  /** @returns the text that no later text changes */
  push(text: string): string {
    let certain = text;
    for (const [i, { pattern, content }] of this.#replacements.entries()) {
      if (certain === '') return '';
      const pending = (this.#held[i] as string) + certain;
      // Matches do not overlap, so what follows the last one begins a match of its own.
      const parts = pending.split(pattern);
      const rest = parts.pop() as string; // `split` returns at least one part
      const end = rest.length - heldLength(rest, pattern);
      this.#held[i] = rest.slice(end);
      certain = [...parts, rest.slice(0, end)].join(content);
    }
    return certain;
  }

  /** @returns the rest; the stream begins anew */
  flush(): string {
    let text = '';
    for (const [i, { pattern, content }] of this.#replacements.entries()) {
      text = ((this.#held[i] as string) + text).replaceAll(pattern, () => content);
      this.#held[i] = '';
    }
    return text;
  }
}

/** The length of the longest end of `text` that `pattern` begins with, without being all of it. */
function heldLength(text: string, pattern: string): number {
  for (let length = Math.min(text.length, pattern.length - 1); length > 0; length--) {
    if (text.endsWith(pattern.slice(0, length))) return length;
  }
  return 0;
}
