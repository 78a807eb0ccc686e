/** @module The offset of each token's first character in a text, in code points. */
import { CharacterSpans } from './character-spans.ts';
import type { PlaceAwareDecoder } from './text/place-aware-decoder.ts';

/** For the tokens of a text in turn. */
export interface TokenOffsets {
  next(id: number): number;
  /** The next token begins the generated text: it does not complete a character of the prompt. */
  endPrompt(): void;
}

/** Of a text that is the bytes of its tokens. Tokens that share a character have its offset. */
export function offsetsOfBytes(bytesOf: (id: number) => Uint8Array): TokenOffsets {
  const spans = new CharacterSpans();
  return {
    next: (id) => spans.push(bytesOf(id)).start,
    endPrompt: () => spans.endText(),
  };
}

/** Of a text in which later tokens change what earlier ones have made: the length of the text before each token. */
export function offsetsOfText(decoder: PlaceAwareDecoder): TokenOffsets {
  let length = 0;
  return {
    next(id) {
      const start = length + lengthOf(decoder.fork().flush());
      length += lengthOf(decoder.push(id));
      return start;
    },
    endPrompt: () => {},
  };
}

const lengthOf = (text: string) => [...text].length;
