/** @module What transformers takes from a file of SentencePiece. */
import { readSentencePieceModel, type SentencePieceModel } from '../sentencepiece/sentencepiece-model.ts';
import type { AddedTokenFlags } from './added-vocabulary.ts';
import { addedToken } from './added-vocabulary.ts';
import { fail } from './folder.ts';
import type { ClassInput } from './tokenizer-class.ts';
import type { Step } from './tokenizer-json.ts';

/** transformers prefers a file of this name to that of the class. */
const COMMON_FILE = 'tokenizer.model';
/** All ways to cut a piece in two are looked at. The longest pieces of published models have 64 characters. */
const MAX_PIECE_CHARACTERS = 1024;

/**
 * @param name of the class's file
 * @throws CheckpointError if there is none, or it is invalid
 */
export async function readSentencePiece({ folder }: ClassInput, name: string): Promise<SentencePieceModel> {
  const file = [COMMON_FILE, name].find((candidate) => folder.has(candidate));
  if (file === undefined) return fail(name, 'not found, and there is no tokenizer.json');
  return await readSentencePieceModel(folder.path(file));
}

export const scoredPieces = ({ pieces }: SentencePieceModel): [string, number][] =>
  pieces.map(({ piece, score }) => [piece, score]);

/** The tokens that a text is searched for: control tokens, which are special, and the user's own. */
export function addedPieces({ pieces }: SentencePieceModel): AddedTokenFlags[] {
  return pieces
    .filter(({ type }) => type === 'control' || type === 'user-defined')
    .map(({ piece, type }) => addedToken(piece, type === 'control', { normalized: false }));
}

/** The map of a `tokenizer.json`, which is all that the classes take of its normalizer. */
export function charsmapIn(normalizer: Step | null | undefined): string {
  const steps: unknown = normalizer?.type === 'Sequence' ? normalizer.normalizers : [normalizer];
  const found = (Array.isArray(steps) ? steps : []).find((step) => step?.type === 'Precompiled');
  return typeof found?.precompiled_charsmap === 'string' ? found.precompiled_charsmap : '';
}

export const charsmapOf = ({ charsmap }: SentencePieceModel): string =>
  Buffer.from(charsmap).toString('base64');

/**
 * Vocabulary and merges of a model whose pieces are those of a BPE. The file has no merges: each way to cut a piece into
 * two others is one, earlier pieces first. As `generate_merges` of transformers.
 */
export function bpeOf(model: SentencePieceModel): {
  vocab: Record<string, number>;
  merges: [string, string][];
} {
  const ids = new Map<string, number>();
  for (const [id, { piece }] of model.pieces.entries()) ids.set(piece, id);
  const merges: { left: string; right: string; rank: readonly number[] }[] = [];
  for (const [piece, id] of ids) {
    const characters = [...piece];
    if (characters.length > MAX_PIECE_CHARACTERS) {
      fail(model.file, `piece ${id} has ${characters.length} characters, more than ${MAX_PIECE_CHARACTERS}`);
    }
    for (let cut = 1, left = ''; cut < characters.length; cut++) {
      left += characters[cut - 1];
      const right = piece.slice(left.length);
      const [leftId, rightId] = [ids.get(left), ids.get(right)];
      if (leftId === undefined || rightId === undefined) continue;
      merges.push({ left, right, rank: [id, cut, characters.length - cut, leftId, rightId] });
    }
  }
  merges.sort((a, b) => compare(a.rank, b.rank));
  // No prototype: a piece may have the name of one of its members.
  const vocab: Record<string, number> = Object.assign(Object.create(null), Object.fromEntries(ids));
  return { vocab, merges: merges.map(({ left, right }) => [left, right]) };
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [i, value] of a.entries()) {
    const difference = value - (b[i] as number); // both have the same length
    if (difference !== 0) return difference;
  }
  return 0;
}
