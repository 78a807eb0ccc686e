/** @module What each side of the comparison does: compile a schema, and make the masks of a text. */

/** A compiled schema, at the beginning of a text. */
export interface SchemaSide {
  /** Begins another text. */
  restart(): Promise<void> | void;
  /** Makes the mask of the next token. This is what is timed. */
  makeMask(): Promise<void> | void;
  /** Whether the mask that was made last allows the token. */
  allows(token: number): boolean;
  /** Whether the mask that was made last allows the text to end. */
  mayEnd(): boolean;
  /** Reads a token that is allowed. */
  read(token: number): void;
  /** Releases memory that is not collected. */
  dispose?(): void;
}

export interface ConstraintSide {
  /** @throws Error for a schema that it refuses */
  compile(schema: unknown): Promise<SchemaSide> | SchemaSide;
  /** Bytes of memory outside of JavaScript's heap. */
  readonly outsideBytes: number;
}

/** A side's vocabulary, prepared. */
export type LoadSide = (tokens: readonly Uint8Array[]) => Promise<ConstraintSide>;

/** GPT-2's end of text. */
export const END_TOKEN = 50_256;

export const isSet = (bits: ArrayLike<number>, token: number) =>
  (((bits[token >>> 5] as number) >>> (token & 31)) & 1) === 1;
