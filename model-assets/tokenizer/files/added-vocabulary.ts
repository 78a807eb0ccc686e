/** @module The tokens that are added to a model's vocabulary, and their ids, as in the reference's `AddedVocabulary`. */
import type { AddedToken } from '../../../tokenizer/format/description.ts';

export type AddedTokenFlags = Omit<AddedToken, 'id' | 'skipped'>;
export interface AddedTokenWithId extends Omit<AddedToken, 'skipped'> {
  /** Whether its text is its normalized content. */
  readonly hasNormalizedText: boolean;
}

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
  readonly #tokens = new Map<string, AddedTokenWithId>();
  #nextId: number;

  /** @param vocabulary of the model */
  constructor(vocabulary: ReadonlyMap<string, number>) {
    this.#vocabulary = vocabulary;
    this.#nextId = vocabulary.size;
  }

  has(content: string): boolean {
    return this.#tokens.has(content);
  }

  /** Of the model's tokens too. */
  idOf(content: string): number | undefined {
    return this.#tokens.get(content)?.id ?? this.#vocabulary.get(content);
  }

  /**
   * Adds a token, or changes how it is looked for. A token that the model does not have gets the next id, whatever id a
   * file gives it: after the number of the model's tokens, and after the ids of added tokens. Once special, it stays
   * special; once normalized, its text stays so.
   */
  add(token: AddedTokenFlags): void {
    if (token.content === '') return;
    const id = this.idOf(token.content) ?? this.#nextId;
    this.#nextId = Math.max(this.#nextId, id + 1);
    const known = this.#tokens.get(token.content);
    this.#tokens.set(token.content, {
      ...token,
      id,
      special: token.special || known?.special === true,
      hasNormalizedText: token.normalized || known?.hasNormalizedText === true,
    });
  }

  /** In the order of their ids. */
  list(): AddedTokenWithId[] {
    return [...this.#tokens.values()].sort((a, b) => a.id - b.id);
  }
}
