/** @module The tokenizer against Hugging Face's GPT2TokenizerFast (test/golden/make-tokenizer-golden.py). */
import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { wordEnd } from '../../../tokenizer/pre-tokenizers/gpt2-words.ts';
import type { Tokenizer } from '../../../tokenizer/tokenizer.ts';
import { golden, loadTokenizer, VOCABULARIES } from '../../golden/tokenizer-golden.ts';

describe.each(VOCABULARIES)('%s vocabulary', (name) => {
  const expected = golden.vocabularies[name];
  let tokenizer: Tokenizer;
  beforeAll(async () => {
    tokenizer = await loadTokenizer(name);
  });

  it('encodes to the ids of the reference', () => {
    const ids = golden.texts.map((text) => ({
      text,
      ids: [...tokenizer.encode(text, { splitSpecialTokens: true })],
    }));
    expect(ids).toEqual(golden.texts.map((text, i) => ({ text, ids: expected.ids[i] })));
  });

  it('decodes its ids to the text', () => {
    const texts = golden.texts.map((text) => tokenizer.decode(tokenizer.encode(text)));
    expect(texts).toEqual(golden.texts.map((text) => text.toWellFormed()));
  });

  it('parses special tokens as the reference does', () => {
    const ids = golden.special.map((text) => [...tokenizer.encode(text)]);
    expect(ids).toEqual(expected.special);
  });

  it('decodes any ids to the text of the reference, with and without special tokens', () => {
    const decoded = expected.decode.map(([ids]) => [
      ids,
      tokenizer.decode(ids),
      tokenizer.decode(ids, { skipSpecialTokens: true }),
    ]);
    expect(decoded).toEqual(expected.decode);
  });
});

it('has the size, special token and ids of GPT-2', async () => {
  const tokenizer = await loadTokenizer('gpt2');
  expect(tokenizer.vocabSize).toBe(50257);
  expect(tokenizer.specialTokens).toEqual(new Map([['<|endoftext|>', 50256]]));
  expect([...tokenizer.encode('Hello world')]).toEqual([15496, 995]);
});

it('pre-tokenizes every character of Unicode as the reference does', () => {
  const size = 0x110000 / golden.pretokens.length;
  const hashes = golden.pretokens.map((_, part) => {
    let text = '';
    for (let codePoint = part * size; codePoint < (part + 1) * size; codePoint++) {
      const character = String.fromCodePoint(codePoint);
      if (character.isWellFormed()) text += `a${character}1${character}!${character} ${character}'s`;
    }
    return createHash('sha256').update(wordLengths(text)).digest('hex').slice(0, 16);
  });
  expect(hashes).toEqual(golden.pretokens);
});

function wordLengths(text: string): Uint8Array {
  const utf8 = new TextEncoder().encode(text);
  const lengths: number[] = [];
  for (let start = 0, end = 0; start < utf8.length; start = end) {
    end = wordEnd(utf8, start);
    lengths.push(end - start);
  }
  return Uint8Array.from(lengths);
}
