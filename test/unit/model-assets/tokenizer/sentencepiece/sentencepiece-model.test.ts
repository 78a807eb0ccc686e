import { beforeAll, describe, expect, it } from 'vitest';
import { CheckpointError } from '../../../../../model-assets/checkpoint/interface/errors.ts';
import {
  parseSentencePieceModel,
  type SentencePieceModel,
} from '../../../../../model-assets/tokenizer/sentencepiece/sentencepiece-model.ts';
import { sentencePieceFile } from '../../../../golden/tokenizer-kinds.ts';
import { mulberry32 } from '../../../../support/plain-rows.ts';

const parse = (bytes: Uint8Array) => parseSentencePieceModel(bytes, 'spiece.model');

describe('a model of SentencePiece', () => {
  let bytes: Uint8Array;
  let model: SentencePieceModel;
  beforeAll(async () => {
    bytes = await sentencePieceFile('bpe-bytes');
    model = parse(bytes);
  });

  it('has pieces with scores and types', () => {
    const { pieces } = model;
    expect(pieces.slice(0, 4)).toEqual([
      { piece: '<unk>', score: 0, type: 'unknown' },
      { piece: '<s>', score: 0, type: 'control' },
      { piece: '</s>', score: 0, type: 'control' },
      { piece: '<0x00>', score: 0, type: 'byte' },
    ]);
    // Scores of a BPE are ranks.
    expect(pieces.slice(259, 262).map(({ score }) => score)).toEqual([-0, -1, -2]);
  });

  it('has what its trainer and its normalizer say', () => {
    expect({ ...model, pieces: [], charsmap: [] }).toEqual({
      file: 'spiece.model',
      pieces: [],
      modelType: 'bpe',
      byteFallback: true,
      ids: { unk: 0, bos: 1, eos: 2, pad: -1 },
      names: { unk: '<unk>', bos: '<s>', eos: '</s>', pad: '<pad>' },
      charsmap: [],
      addDummyPrefix: true,
      removeExtraWhitespaces: true,
      escapeWhitespaces: true,
    });
  });

  it('is refused or read when it is cut off at any byte', () => {
    for (let end = 0; end < bytes.length; end += end < 300 ? 1 : 13) {
      expectAnswer(() => parse(bytes.slice(0, end)));
    }
  });

  it('is refused or read when bytes are changed', () => {
    const random = mulberry32(99);
    for (let i = 0; i < 1500; i++) {
      const changed = bytes.slice();
      for (let n = 0; n < 1 + 3 * random(); n++) {
        changed[Math.floor(random() * changed.length)] = Math.floor(256 * random());
      }
      expectAnswer(() => parse(changed));
    }
  });
});

it('reads the map of characters', async () => {
  const { charsmap, modelType } = parse(await sentencePieceFile('unigram-nfkc'));
  expect([modelType, charsmap.length > 200_000]).toEqual(['unigram', true]);
});

it.each([
  ['no bytes', [], 'spiece.model has no pieces: not a model of SentencePiece'],
  ['text', [...new TextEncoder().encode('{"a": 1}')], 'wire type 3 in field 15: not a protocol buffer'],
  [
    'a piece that is longer than the file',
    [0x0a, 0x7f, 0x0a],
    'a field of 127 bytes, but only 1 bytes remain',
  ],
  [
    'a length of four billion',
    [0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f],
    'a field of 4294967295 bytes, but only 0 bytes',
  ],
  ['a negative length', [0x0a, ...Array(9).fill(0xff), 0x01], 'a field of -1 bytes'],
  ['a number without an end', [0x0a, ...Array(12).fill(0xff)], 'a number that does not end'],
  ['a number at the end', [0x0a, 0x80], 'a field of 1 bytes, but only 0 bytes remain'],
  ['an unknown wire type', [0x0f, 0x01], 'wire type 7 in field 1: not a protocol buffer'],
  ['field 0', [0x02, 0x00], '2 is not the tag of a field: not a protocol buffer'],
  [
    'a type of piece that there is not',
    [0x0a, 0x02, 0x18, 0x09],
    'spiece.model piece 0: 9 is not a type of piece',
  ],
  [
    'a piece that is no text',
    [0x0a, 0x03, 0x0a, 0x01, 0xff],
    'spiece.model piece 0: a string that is not UTF-8',
  ],
  [
    'a score that is no number',
    [0x0a, 0x05, 0x15, 0x00, 0x00, 0xc0, 0x7f],
    'spiece.model piece 0: its score is not a number',
  ],
  ['a model of another type', [0x0a, 0x00, 0x12, 0x02, 0x18, 0x05], 'trainer_spec: 5 is not a type of model'],
])('refuses %s', (_, bytes, message) => {
  expect(() => parse(Uint8Array.from(bytes))).toThrow(message);
  expect(() => parse(Uint8Array.from(bytes))).toThrow(CheckpointError);
});

it('refuses more pieces than a model can have rows', () => {
  const bytes = new Uint8Array(2 * (2 ** 21 + 1));
  for (let i = 0; i < bytes.length; i += 2) bytes[i] = 0x0a; // a piece without fields
  expect(() => parse(bytes)).toThrow('spiece.model has more than 2097152 pieces');
});

function expectAnswer(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(CheckpointError);
  }
}
