import { expect, it } from 'vitest';
import { chooseFiles } from '../../../../model-assets/hub/needed-files.ts';

const choose = (...names: string[]) =>
  chooseFiles(new Set(['config.json', 'model.safetensors', ...names]), 'owner/name').metadata.slice(1);

it.each([
  [['vocab.json', 'merges.txt', 'tokenizer.json'], ['tokenizer.json']],
  [
    ['vocab.json', 'merges.txt'],
    ['vocab.json', 'merges.txt'],
  ],
  [
    ['vocab.txt', 'tokenizer_config.json'],
    ['vocab.txt', 'tokenizer_config.json'],
  ],
  [['spiece.model'], ['spiece.model']],
  [['tokenizer.model'], ['tokenizer.model']],
  [['sentencepiece.bpe.model'], ['sentencepiece.bpe.model']],
  [['spm.model'], ['spm.model']],
  [
    [
      'spiece.model',
      'additional_chat_templates/a.jinja',
      'additional_chat_templates/../b.jinja',
      'c/d.jinja',
    ],
    ['spiece.model', 'additional_chat_templates/a.jinja'],
  ],
  // The class decides between them, and is not known yet.
  [
    ['vocab.json', 'spiece.model', 'vocab.txt'],
    ['vocab.txt', 'spiece.model'],
  ],
])('of %j takes %j', (names, needed) => {
  expect(choose(...names)).toEqual(needed);
});

it('names what a repository without a tokenizer lacks', () => {
  expect(() => choose('vocab.json')).toThrow(
    'owner/name has no tokenizer: expected tokenizer.json, or vocab.json and merges.txt, or vocab.txt, or spiece.model, ' +
      'or tokenizer.model, or sentencepiece.bpe.model, or spm.model',
  );
});
