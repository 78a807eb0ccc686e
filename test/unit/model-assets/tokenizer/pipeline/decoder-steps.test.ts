import { expect, it } from 'vitest';
import { readDecoder } from '../../../../../model-assets/tokenizer/pipeline/decoder-steps.ts';
import { stepsOf } from '../../../../../model-assets/tokenizer/pipeline/steps.ts';
import { tokenTexts } from '../../../../../model-assets/tokenizer/pipeline/token-texts.ts';

const read = (...decoders: { type: string; [field: string]: unknown }[]) =>
  readDecoder(stepsOf({ type: 'Sequence', decoders }, 'decoder', 'decoders'));

const FUSE = { type: 'Fuse' };
const BYTES = { type: 'ByteFallback' };
const METASPACE = { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true };
const STRIP = { type: 'Strip', content: ' ', start: 1, stop: 0 };
const replace = (pattern: unknown, content: string) => ({ type: 'Replace', pattern, content });

it.each([
  ['CTC', [{ type: 'CTC', pad_token: '<pad>' }], 'decoder.decoders.0: the decoder "CTC" is for speech'],
  ['a decoder that there is not', [{ type: 'Magic' }], 'the decoder "Magic" is not supported'],
  [
    'ByteLevel beside others',
    [{ type: 'ByteLevel' }, STRIP],
    'the decoder "Strip" beside ByteLevel is not supported',
  ],
  [
    'a regular expression',
    [replace({ Regex: 'a+' }, 'b')],
    'Replace with the regular expression "a+" is not supported',
  ],
  ['an empty pattern', [replace({ String: '' }, 'b')], 'pattern'],
  ['Metaspace of a whole text', [FUSE, METASPACE], 'Metaspace after Fuse is not supported'],
  ['bytes of a whole text', [FUSE, BYTES], 'ByteFallback after Fuse is not supported'],
  ['bytes twice', [BYTES, BYTES], 'ByteFallback after ByteFallback is not supported'],
  ['strips of runs of bytes', [BYTES, STRIP], 'Strip after ByteFallback is not supported'],
  ['strips at the end of a text', [FUSE, { ...STRIP, stop: 1 }], 'of a whole text is not supported'],
  ['strips of two spaces', [FUSE, { ...STRIP, start: 2 }], 'of a whole text is not supported'],
])('refuses %s', (_, decoders, message) => {
  expect(() => read(...decoders)).toThrow(message);
});

it('refuses steps that strip the first token and the text', () => {
  const decoder = { type: 'Sequence', decoders: [METASPACE, FUSE, STRIP] };
  expect(() => tokenTexts(['▁a'], decoder, false, 'decoder')).toThrow(
    'steps that strip each token and the whole text are not supported together',
  );
});

it('refuses a token whose text depends on the next one in another way than by a space', () => {
  const decoder = { type: 'BPEDecoder', suffix: '</w>' };
  expect(() => tokenTexts(['a</w>b</w>'], decoder, false, 'decoder')).toThrow(
    'decoder: the text of "a</w>b</w>" cannot be written before the next token is known',
  );
});

it('replaces single characters token by token, and longer strings in the text', () => {
  const { steps, replacements } = read(FUSE, replace({ String: '▁' }, ' '), replace({ String: 'ab' }, 'c'));
  const place = { isFirst: false, isLast: false };
  expect(steps.map((step) => step('▁ab', place))).toEqual([' ab']);
  expect(replacements).toEqual([{ pattern: 'ab', content: 'c' }]);
});
