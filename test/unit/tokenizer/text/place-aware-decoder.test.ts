import { expect, it } from 'vitest';
import { tokenTexts } from '../../../../model-assets/tokenizer/pipeline/token-texts.ts';
import { offsetsOf, Tables } from '../../../../tokenizer/format/file.ts';
import { PlaceAwareDecoder } from '../../../../tokenizer/text/place-aware-decoder.ts';
import { TokenTexts } from '../../../../tokenizer/text/token-texts.ts';

const WORD_PIECE = { type: 'WordPiece', prefix: '##', cleanup: true };
const LLAMA = {
  type: 'Sequence',
  decoders: [
    { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
    { type: 'ByteFallback' },
    { type: 'Fuse' },
    { type: 'Strip', content: ' ', start: 1, stop: 0 },
  ],
};

/** What each token makes certain, and the rest. */
function pieces(tokens: readonly string[], decoder: { type: string }, cleanUp = false): string[] {
  const { bytes, text, tables } = tokenTexts(tokens, decoder, cleanUp, 'decoder');
  const file = new Tables([
    ['textOffsets', offsetsOf(bytes)],
    ['textBytes', Uint8Array.from(Buffer.concat([...bytes]))],
    ...tables,
  ]);
  const decoding = new PlaceAwareDecoder(new TokenTexts(text, file, tokens.length), () => false);
  return [...tokens.map((_, id) => decoding.push(id)), decoding.flush()];
}

it('writes a word with its space, except the first', () => {
  expect(pieces(['un', '##happy', 'dog', '.', 'x'], WORD_PIECE)).toEqual([
    'un',
    'happy',
    ' dog',
    '.',
    ' x',
    '',
  ]);
  expect(pieces(['##un', '##happy'], WORD_PIECE)).toEqual(['##un', 'happy', '']);
});

it('holds back a space that a later token may remove', () => {
  const tokens = ['a', "'", 's', "n't", '.'];
  expect(pieces(tokens, { ...WORD_PIECE, cleanup: false } as typeof WORD_PIECE, true).join('')).toBe(
    "a's n't.".replace(" n't", "n't"),
  );
  expect(pieces(['a', ' ', '.'], { type: 'Fuse' }, true)).toEqual(['a', '', '.', '']);
});

it('holds back a run of bytes until it ends', () => {
  const bytes = ['<0xE4>', '<0xB8>', '<0x96>'];
  expect(pieces(['▁a', ...bytes, 'b'], LLAMA)).toEqual(['a', '', '', '', '世b', '']);
  expect(pieces(['▁a', ...bytes], LLAMA)).toEqual(['a', '', '', '', '世']);
});

it('writes U+FFFD for each byte of a run that is not UTF-8 as a whole', () => {
  const bytes = ['<0xE4>', '<0xB8>', '<0x96>', '<0xFF>'];
  expect(pieces(['▁a', ...bytes, 'b'], LLAMA).join('')).toBe(`a${'\ufffd'.repeat(4)}b`);
});

it('leaves out a space at the beginning of the text, whatever token has it', () => {
  expect(pieces(['▁', '▁a'], LLAMA)).toEqual(['', ' a', '']);
  expect(pieces(['<0x20>', '<0x20>', 'a'], LLAMA)).toEqual(['', '', ' a', '']);
});

it('writes the space behind a word when another token follows', () => {
  expect(
    pieces(['lo', 'w</w>', 'a</w>'], { type: 'BPEDecoder', suffix: '</w>' } as { type: string }),
  ).toEqual(['lo', 'w', ' a', '']);
});
