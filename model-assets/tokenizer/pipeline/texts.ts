/** @module What a decoder makes of tokens. */
import type { Table } from '../../../tokenizer/format/file.ts';
import type { TextDescription } from '../../../tokenizer/format/text-description.ts';

export interface TokenTexts {
  /** By id; none for an id without a token. */
  readonly bytes: readonly Uint8Array[];
  readonly text: TextDescription;
  readonly tables: readonly (readonly [name: string, table: Table])[];
}
