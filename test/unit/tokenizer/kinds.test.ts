/** @module Tokenizers that are not byte-level against transformers (test/golden/make-tokenizer-kinds-golden.py). */
import { beforeAll, describe, expect, it } from 'vitest';
import { UnencodableTextError } from '../../../tokenizer/models/unencodable-text.ts';
import type { EncodeOptions } from '../../../tokenizer/pipeline.ts';
import type { TextDecoding, Tokenizer } from '../../../tokenizer/tokenizer.ts';
import { type KindGolden, kindsGolden, loadKind } from '../../golden/tokenizer-kinds.ts';

const { texts, special, kinds } = kindsGolden;

it('covers each model and each way to load it', () => {
  const classes = new Set(Object.values(kinds).map((kind) => kind.class));
  expect(classes).toEqual(
    new Set([
      'AlbertTokenizer',
      'BertTokenizer',
      'CamembertTokenizer',
      'LlamaTokenizer',
      'T5Tokenizer',
      'TokenizersBackend',
      'XLMRobertaTokenizer',
      'XLNetTokenizer',
    ]),
  );
  expect(texts.length).toBeGreaterThan(100);
});

describe.each(Object.entries(kinds))('%s', (name, expected) => {
  let tokenizer: Tokenizer;
  beforeAll(async () => {
    tokenizer = await loadKind(name);
  });

  it('encodes to the ids of the reference', () => {
    const found = texts.map((text) => [text, encode(tokenizer, text, { addSpecialTokens: false })]);
    expect(found).toEqual(texts.map((text, i) => [text, expected.ids[i]]));
  });

  it('parses special tokens, and adds those of the template, as the reference does', () => {
    const found = special.map((text) => [text, encode(tokenizer, text)]);
    expect(found).toEqual(special.map((text, i) => [text, expected.special[i]]));
  });

  it('decodes any ids to the text of the reference', () => {
    const found = expected.decode.map(([ids]) => [
      ids,
      tokenizer.decode(ids),
      tokenizer.decode(ids, { skipSpecialTokens: true }),
    ]);
    expect(found).toEqual(expected.decode);
  });

  it('never changes text that it has given', () => {
    for (const [ids] of expected.decode) {
      const decoder = tokenizer.decoder();
      let text = '';
      for (const [i, id] of ids.entries()) {
        text += decoder.push(id);
        expect(tokenizer.decode(ids.slice(0, i + 1)).startsWith(text)).toBe(true);
      }
      expect(text + decoder.flush()).toBe(tokenizer.decode(ids));
      // Flushed, it begins anew.
      expect(pushAll(decoder, ids)).toBe(tokenizer.decode(ids));
    }
  });

  it('continues a text as the whole text goes on', () => {
    for (const [ids, text] of continued(expected)) {
      for (const cut of [1, 2, ids.length >> 1]) {
        const before = ids.slice(0, cut);
        const start = tokenizer.decodersAfter(before);
        const shown = text.slice(tokenizer.decode(before).length);
        expect(pushAll(start(), ids.slice(cut))).toBe(shown);
        expect(pushAll(start(), ids.slice(cut))).toBe(shown);
      }
    }
  });
});

it('says which text has no token', async () => {
  const tokenizer = await loadKind('word-level-no-unk');
  expect(() => tokenizer.encode('Hello unheard world')).toThrow(new UnencodableTextError('unheard'));
});

function encode(tokenizer: Tokenizer, text: string, options?: EncodeOptions): number[] | null {
  try {
    return [...tokenizer.encode(text, options)];
  } catch (error) {
    if (error instanceof UnencodableTextError) return null;
    throw error;
  }
}

function pushAll(decoder: TextDecoding, ids: readonly number[]): string {
  return ids.map((id) => decoder.push(id)).join('') + decoder.flush();
}

/** Texts whose beginnings are not cut inside a character: then the beginning's own text has U+FFFD. */
function continued({ decode }: KindGolden): KindGolden['decode'] {
  return decode.filter(([, text]) => !text.includes('\ufffd'));
}
