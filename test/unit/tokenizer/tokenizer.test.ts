/** @module Properties of the tokenizer for arbitrary text and ids; its errors for invalid files and ids. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { folderMetadata } from '../../../model-assets/checkpoint/interface/metadata.ts';
import { buildTokenizer } from '../../../model-assets/tokenizer/build-tokenizer.ts';
import { readTokenizer, Tables, writeTokenizer } from '../../../tokenizer/format/file.ts';
import { Tokenizer } from '../../../tokenizer/tokenizer.ts';
import { DEFAULT_CHECKPOINT, loadTokenizer, VOCABULARIES } from '../../golden/tokenizer-golden.ts';

/** Arbitrary strings and code units, lone surrogates included, mixed with known edge cases of tokenizers. */
const anyText = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'grapheme' }),
      fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
      fc.constantFrom(
        ' ',
        '  ',
        '\n',
        "'",
        "'ll",
        '\u0085',
        '\ufeff',
        'the',
        '<|endoftext|>',
        '\ud83d',
        '\ude00',
      ),
    ),
  )
  .map((pieces) => pieces.join(''));

const anyFlag = fc.boolean();

describe.each(VOCABULARIES)('%s vocabulary', (name) => {
  let tokenizer: Tokenizer;
  let anyIds: fc.Arbitrary<number[]>;
  beforeAll(async () => {
    tokenizer = await loadTokenizer(name);
    const last = tokenizer.vocabSize - 1;
    // Many single-byte tokens, so that characters are split at every byte.
    anyIds = fc.array(fc.oneof(fc.nat(255), fc.nat(last), fc.constant(last)), { maxLength: 60 });
  });

  it('decodes what it encodes', () => {
    fc.assert(
      fc.property(anyText, anyFlag, (text, splitSpecialTokens) => {
        const ids = tokenizer.encode(text, { splitSpecialTokens });
        expect(tokenizer.decode(ids)).toBe(text.toWellFormed());
      }),
    );
  });

  it('streams the same text as it decodes at once', () => {
    fc.assert(
      fc.property(anyIds, anyFlag, (ids, skipSpecialTokens) => {
        const decoder = tokenizer.decoder({ skipSpecialTokens });
        const kept = ids.filter((id) => !(skipSpecialTokens && id === tokenizer.vocabSize - 1));
        const bytes = Buffer.concat(kept.map((id) => tokenizer.tokenBytes(id)));
        const pieces = ids.map((id) => decoder.push(id)).join('') + decoder.flush();
        expect(pieces).toBe(bytes.toString('utf8'));
        expect(tokenizer.decode(ids, { skipSpecialTokens })).toBe(pieces);
      }),
    );
  });

  it('streams only whole characters', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const decoder = tokenizer.decoder();
        const pieces = Array.from(tokenizer.encode(text), (id) => decoder.push(id));
        expect(pieces.every((piece) => piece.isWellFormed())).toBe(true);
        expect(pieces.join('')).toBe(text.toWellFormed());
        expect(decoder.flush()).toBe('');
      }),
    );
  });

  it('encodes the text of its ids to the same ids', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const ids = tokenizer.encode(text, { splitSpecialTokens: true });
        expect(ids.every((id) => id < tokenizer.vocabSize - 1)).toBe(true); // no special token
        expect([...tokenizer.encode(tokenizer.decode(ids), { splitSpecialTokens: true })]).toEqual([...ids]);
      }),
    );
  });

  // Merging in quadratic time would take hours.
  it.each([
    ['one letter', () => 'a'.repeat(1_000_000)],
    ['random letters', () => randomLetters(1_000_000)],
    ['punctuation', () => '!'.repeat(1_000_000)],
    ['line breaks', () => '\n'.repeat(1_000_000)],
    ['white space', () => ' \n'.repeat(500_000)],
    ['characters of four bytes', () => '😀'.repeat(250_000)],
  ])('encodes a million bytes without a break: %s', (_, make) => {
    const text = make();
    expect(tokenizer.decode(tokenizer.encode(text)) === text).toBe(true);
  });
});

function randomLetters(count: number): string {
  const letters = new Uint8Array(count);
  for (let i = 0, state = 1; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    letters[i] = 97 + ((state >>> 16) % 26);
  }
  return new TextDecoder().decode(letters);
}

describe('decoding', () => {
  let tokenizer: Tokenizer;
  beforeAll(async () => {
    tokenizer = await loadTokenizer('default');
  });

  it('holds back a character until its last byte, and flushes an incomplete one as U+FFFD', () => {
    const decoder = tokenizer.decoder();
    const [...ids] = tokenizer.encode('\u{10fffd}');
    expect(ids.length).toBe(4);
    expect(ids.map((id) => decoder.push(id))).toEqual(['', '', '', '\u{10fffd}']);
    for (const id of ids.slice(0, 3)) expect(decoder.push(id)).toBe('');
    expect(decoder.flush()).toBe('\ufffd');
    expect(decoder.flush()).toBe('');
  });

  it('keeps a byte order mark', () => {
    expect(tokenizer.decode(tokenizer.encode('\ufeffa\ufeff'))).toBe('\ufeffa\ufeff');
  });

  it('decodes an id beyond the vocabulary to nothing, as the reference does', () => {
    const [a = 0] = tokenizer.encode('a');
    expect(tokenizer.decode([a, 8192, 50_000, a])).toBe('aa');
    expect([...tokenizer.tokenBytes(8192)]).toEqual([]);
    // The two bytes of é, with such an id between them.
    const [first = 0, second = 0] = [0xc3, 0xa9].map(byteId);
    expect(tokenizer.decode([first, 8192, second])).toBe('é');
  });

  /** The token that is a single byte. */
  function byteId(byte: number): number {
    for (let id = 0; id < 256; id++) if (tokenizer.tokenBytes(id)[0] === byte) return id;
    throw new Error(`no token is the byte ${byte}`);
  }

  it.each([-1, 1.5, Number.NaN])('rejects a number that is no id: %d', (id) => {
    const message = `token id ${id} is not a whole number from 0 on`;
    expect(() => tokenizer.decode([1, id])).toThrow(new RangeError(message));
    expect(() => tokenizer.decoder({ skipSpecialTokens: true }).push(id)).toThrow(new RangeError(message));
    expect(() => tokenizer.tokenBytes(id)).toThrow(new RangeError(message));
  });

  it('encodes and decodes empty input', () => {
    expect(tokenizer.encode('')).toEqual(new Int32Array(0));
    expect(tokenizer.decode([])).toBe('');
  });
});

describe('reading tokenizer.bin', () => {
  const HINT = /\nHINT: convert the checkpoint again/;
  let bytes: Uint8Array;
  beforeAll(async () => {
    ({ bytes } = await buildTokenizer(folderMetadata(DEFAULT_CHECKPOINT)));
  });

  const setWord = (word: number, value: number) => (file: Uint8Array) => {
    new DataView(file.buffer).setUint32(4 * word, value, true);
    return file;
  };

  it('reads from an unaligned buffer', () => {
    const shifted = Buffer.alloc(bytes.length + 1);
    shifted.set(bytes, 1);
    expect([...Tokenizer.read(shifted.subarray(1)).encode('Hello world')]).toEqual([1799, 1110]);
  });

  /** Changes a table, by its name. */
  const setTable =
    (name: string, type: 'u32', place: number, value: number) =>
    (file: Uint8Array): Uint8Array => {
      const { description, tables } = readTokenizer(file);
      const changed = tables.get(name, type).slice();
      changed[place] = value;
      const others = [...tables.entries()].map(
        ([other, table]) => [other, other === name ? changed : table] as const,
      );
      return writeTokenizer({ description, tables: new Tables(others) });
    };

  it.each([
    ['another magic number', setWord(0, 0x04034b50), 'is not a tokenizer file (it begins with 0x4034b50)'],
    ['another version', setWord(1, 2), 'has version 2; this reader supports version 3'],
    ['a description that does not fit', setWord(2, 2 ** 31), 'has a description of 2147483648 bytes'],
    ['a description that is none', setWord(2, 5), 'has a description that cannot be read'],
    ['another size than its header says', setWord(3, 1), 'bytes; its header says 1'],
    [
      'an id outside of the vocabulary',
      setTable('merges', 'u32', 65, 8192),
      'contains token id 8192; its vocabulary has 8192 tokens',
    ],
    [
      'a byte outside of the vocabulary',
      setTable('byteIds', 'u32', 65, 8192),
      'contains token id 8192; its vocabulary has 8192 tokens',
    ],
    [
      'decreasing offsets',
      setTable('textOffsets', 'u32', 5, 2 ** 31),
      'has token offsets that do not fit its bytes',
    ],
    ['no bytes', () => new Uint8Array(0), 'ends after 0 bytes, in the middle of its header'],
    ['a truncated table', (file: Uint8Array) => file.subarray(0, 5000), 'has 5000 bytes; its header says'],
    ['its last byte missing', (file: Uint8Array) => file.subarray(0, -1), 'bytes; its header says'],
    [
      'a table missing',
      (file: Uint8Array) => {
        const { description, tables } = readTokenizer(file);
        const others = [...tables.entries()].filter(([name]) => name !== 'merges');
        return writeTokenizer({ description, tables: new Tables(others) });
      },
      "has no table 'merges' of type u32",
    ],
    [
      'too many merges',
      (file: Uint8Array) => {
        const { description, tables } = readTokenizer(file);
        const others = [...tables.entries()].filter(([name]) => name !== 'merges');
        const merges = ['merges', new Uint32Array(3 * 2 ** 21)] as const;
        return writeTokenizer({ description, tables: new Tables([...others, merges]) });
      },
      'has 2097152 merges, more than 2097151',
    ],
  ])('rejects a file with %s', (_, change, message) => {
    const read = () => Tokenizer.read(change(bytes.slice()));
    expect(read).toThrow(message);
    expect(read).toThrow(HINT);
  });
});
