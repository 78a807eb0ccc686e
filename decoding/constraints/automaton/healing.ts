/**
 * @module Token healing: the end of a prompt that could be part of a longer token is taken off, and the text begins with
 * its bytes instead.
 */
import type { Vocabulary } from './vocabulary.ts';

/** A prompt without its end. */
export interface HealedPrompt {
  readonly kept: readonly number[];
  /** The tokens that were taken off. */
  readonly removed: readonly number[];
  /** The bytes of `removed`: the text begins with them, in whatever tokens. */
  readonly bytes: Uint8Array;
}

/**
 * Finds the longest end of the prompt's bytes that is the beginning of a longer token, and takes off the tokens that
 * have a part in it. What any token could join across the prompt's end is left to the search that way. Special tokens,
 * and tokens without a text, stay: nothing joins them.
 * @param prompt token ids
 * @param least number of tokens that stay in any case
 */
export function healPrompt(prompt: ArrayLike<number>, vocabulary: Vocabulary, least = 1): HealedPrompt {
  const ids = Array.from(prompt);
  const tokens = endOf(ids.slice(least), vocabulary);
  const bytes = Uint8Array.from(tokens.flatMap((token) => [...vocabulary.bytesOf(token)]));
  let begin = 0;
  while (begin < bytes.length && !vocabulary.isBeginning(bytes.subarray(begin))) begin++;
  // A token that the end begins in is taken off with it.
  let first = 0;
  let offset = 0;
  for (; first < tokens.length; first++) {
    const after = offset + vocabulary.bytesOf(tokens[first] as number).length;
    if (after > begin) break;
    offset = after;
  }
  const removed = tokens.slice(first);
  return { kept: ids.slice(0, ids.length - removed.length), removed, bytes: bytes.subarray(offset) };
}

/** The last tokens, all of them text, whose bytes a longer token could begin with. */
function endOf(ids: readonly number[], vocabulary: Vocabulary): readonly number[] {
  let start = ids.length;
  for (let length = 0; start > 0 && length < vocabulary.longest - 1; start--) {
    const token = ids[start - 1] as number;
    if (!vocabulary.isText(token)) break;
    length += vocabulary.bytesOf(token).length;
  }
  return ids.slice(start);
}

/** Decodes the tokens of one text. */
interface TextDecoding {
  push(id: number): string;
  flush(): string;
}

/**
 * The text of what was taken off, with which every text begins. A character of which it has only a part is left out.
 * @param decoder for the tokens after `kept`
 */
export function restText({ removed, bytes }: HealedPrompt, decoder: TextDecoding): string {
  let text = '';
  for (const token of removed) text += decoder.push(token);
  const rest = decoder.flush();
  return endsInCharacter(bytes) ? text : text + rest;
}

/** Whether the last character of a text in UTF-8 lacks bytes. */
function endsInCharacter(bytes: Uint8Array): boolean {
  for (let count = 1; count < 4 && count <= bytes.length; count++) {
    const byte = bytes[bytes.length - count] as number;
    if (byte < 0x80) return false;
    if (byte >= 0xc0) return count < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2);
  }
  return false;
}
