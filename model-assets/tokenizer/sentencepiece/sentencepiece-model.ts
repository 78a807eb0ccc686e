/**
 * @module Reads the files of SentencePiece: `spiece.model`, `tokenizer.model`, `sentencepiece.bpe.model`.
 *
 * Fields and defaults: sentencepiece_model.proto of https://github.com/google/sentencepiece.
 */
import { BinaryFile } from '../../checkpoint/interface/binary-file.ts';
import { CheckpointError } from '../../checkpoint/interface/errors.ts';
import { fieldsOf } from './protobuf-reader.ts';

/** Before the file is read: the largest ones that are published have 16 MB. */
const MAX_FILE_BYTES = 2 ** 27;
/** Ids are rows of a matrix. */
const MAX_PIECES = 2 ** 21;

export type PieceType = 'normal' | 'unknown' | 'control' | 'user-defined' | 'unused' | 'byte';
const PIECE_TYPES: Readonly<Record<number, PieceType>> = {
  1: 'normal',
  2: 'unknown',
  3: 'control',
  4: 'user-defined',
  5: 'unused',
  6: 'byte',
};

export interface Piece {
  readonly piece: string;
  readonly score: number;
  readonly type: PieceType;
}

const MODEL_TYPES = { 1: 'unigram', 2: 'bpe', 3: 'word', 4: 'char' } as const;
type ModelType = (typeof MODEL_TYPES)[keyof typeof MODEL_TYPES];

export interface SentencePieceModel {
  /** Base name of the file, for errors. */
  readonly file: string;
  readonly pieces: readonly Piece[];
  readonly modelType: ModelType;
  readonly byteFallback: boolean;
  /** -1 for a token that the vocabulary does not have. */
  readonly ids: { readonly unk: number; readonly bos: number; readonly eos: number; readonly pad: number };
  readonly names: { readonly unk: string; readonly bos: string; readonly eos: string; readonly pad: string };
  /** The map that normalizes texts: a double-array trie and strings; empty for none. */
  readonly charsmap: Uint8Array;
  readonly addDummyPrefix: boolean;
  readonly removeExtraWhitespaces: boolean;
  readonly escapeWhitespaces: boolean;
}

/** @throws CheckpointError if the file is missing, too large, or no model of SentencePiece */
export async function readSentencePieceModel(path: string): Promise<SentencePieceModel> {
  return await BinaryFile.open(path, async (file) => {
    if (file.bytes > MAX_FILE_BYTES) {
      throw new CheckpointError(`${file.name} has ${file.bytes} bytes, more than ${MAX_FILE_BYTES}`);
    }
    const bytes = await file.read(0, file.bytes);
    file.rejectPointer(bytes);
    await file.close();
    return parseSentencePieceModel(bytes, file.name);
  });
}

/** @param file name for errors */
export function parseSentencePieceModel(bytes: Uint8Array, file: string): SentencePieceModel {
  const pieces: Piece[] = [];
  let trainer: Uint8Array = new Uint8Array(0);
  let normalizer: Uint8Array = new Uint8Array(0);
  for (const field of fieldsOf(bytes, file)) {
    if (!field.bytes) continue;
    if (field.number === 1) {
      if (pieces.length === MAX_PIECES)
        throw new CheckpointError(`${file} has more than ${MAX_PIECES} pieces`);
      pieces.push(readPiece(field.bytes, file, pieces.length));
    } else if (field.number === 2) trainer = field.bytes;
    else if (field.number === 3) normalizer = field.bytes;
  }
  if (pieces.length === 0) throw new CheckpointError(`${file} has no pieces: not a model of SentencePiece`);
  return { file, pieces, ...readTrainer(trainer, file), ...readNormalizer(normalizer, file) };
}

function readPiece(message: Uint8Array, file: string, id: number): Piece {
  let piece = '';
  let score = 0;
  let type = 1;
  for (const { number, bytes, float, varint } of fieldsOf(message, `${file} piece ${id}`)) {
    if (number === 1 && bytes) piece = text(bytes, `${file} piece ${id}`);
    else if (number === 2 && float !== undefined) score = float;
    else if (number === 3 && varint !== undefined) type = varint;
  }
  const name = PIECE_TYPES[type];
  if (!name) throw new CheckpointError(`${file} piece ${id}: ${type} is not a type of piece`);
  if (Number.isNaN(score)) throw new CheckpointError(`${file} piece ${id}: its score is not a number`);
  return { piece, score, type: name };
}

function readTrainer(
  message: Uint8Array,
  file: string,
): Pick<SentencePieceModel, 'modelType' | 'byteFallback' | 'ids' | 'names'> {
  const ids = { unk: 0, bos: 1, eos: 2, pad: -1 };
  const names = { unk: '<unk>', bos: '<s>', eos: '</s>', pad: '<pad>' };
  let modelType = 1;
  let byteFallback = false;
  const at = `${file} trainer_spec`;
  for (const { number, varint = 0, bytes = new Uint8Array(0) } of fieldsOf(message, at)) {
    if (number === 3) modelType = varint;
    else if (number === 35) byteFallback = varint !== 0;
    else if (number === 40) ids.unk = varint;
    else if (number === 41) ids.bos = varint;
    else if (number === 42) ids.eos = varint;
    else if (number === 43) ids.pad = varint;
    else if (number === 45) names.unk = text(bytes, at);
    else if (number === 46) names.bos = text(bytes, at);
    else if (number === 47) names.eos = text(bytes, at);
    else if (number === 48) names.pad = text(bytes, at);
  }
  if (!(modelType in MODEL_TYPES)) throw new CheckpointError(`${at}: ${modelType} is not a type of model`);
  return { modelType: MODEL_TYPES[modelType as keyof typeof MODEL_TYPES], byteFallback, ids, names };
}

function readNormalizer(
  message: Uint8Array,
  file: string,
): Pick<SentencePieceModel, 'charsmap' | 'addDummyPrefix' | 'removeExtraWhitespaces' | 'escapeWhitespaces'> {
  let charsmap: Uint8Array = new Uint8Array(0);
  const flags = { addDummyPrefix: true, removeExtraWhitespaces: true, escapeWhitespaces: true };
  for (const { number, varint, bytes } of fieldsOf(message, `${file} normalizer_spec`)) {
    if (number === 2 && bytes) charsmap = bytes;
    else if (number === 3) flags.addDummyPrefix = varint !== 0;
    else if (number === 4) flags.removeExtraWhitespaces = varint !== 0;
    else if (number === 5) flags.escapeWhitespaces = varint !== 0;
  }
  return { charsmap, ...flags };
}

function text(bytes: Uint8Array, at: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new CheckpointError(`${at}: a string that is not UTF-8`);
  }
}
