/** @module The tokens that are added to a model's vocabulary, and their ids, as in the reference's `AddedVocabulary`. */
import type { AddedToken } from '../../../tokenizer/format/description.ts';

export type AddedTokenFlags = Omit<AddedToken, 'id'>;

/** As `AddedToken(content, special=…)` of the reference: a special token is looked for before the text is normalized. */
export function addedToken(
  content: string,
  special: boolean,
  flags: Partial<Omit<AddedTokenFlags, 'content' | 'special'>> = {},
): AddedTokenFlags {
  return {
    content,
    special,
    lstrip: false,
    rstrip: false,
    singleWord: false,
    normalized: !special,
    ...flags,
  };
}

export class AddedVocabulary {
  readonly #vocabulary: ReadonlyMap<string, number>;
  readonly #tokens = new Map<string, AddedToken>();
  #nextId: number;

  /** @param vocabulary of the model */
  constructor(vocabulary: ReadonlyMap<string, number>) {
    this.#vocabulary = vocabulary;
    this.#nextId = vocabulary.size;
  }

  has(content: string): boolean {
    return this.#tokens.has(content);
  }

  /** Whether there is this token, to be looked for in the same way. */
  hasSame(token: AddedTokenFlags): boolean {
    const known = this.#tokens.get(token.content);
    return known !== undefined && JSON.stringify({ ...known, ...token }) === JSON.stringify(known);
  }

  /** Of the model's tokens too. */
  idOf(content: string): number | undefined {
    return this.#tokens.get(content)?.id ?? this.#vocabulary.get(content);
  }

  /**
   * Adds a token, or changes how it is looked for. A token that the model does not have gets the next id, whatever id a
   * file gives it: after the number of the model's tokens, and after the ids of added tokens.
   */
  add(token: AddedTokenFlags): void {
    if (token.content === '') return;
    const id = this.idOf(token.content) ?? this.#nextId;
    this.#nextId = Math.max(this.#nextId, id + 1);
    this.#tokens.set(token.content, { ...token, id });
  }

  /** In the order of their ids. */
  list(): AddedToken[] {
    return [...this.#tokens.values()].sort((a, b) => a.id - b.id);
  }
}
