/** @module What the converter makes of a model. */
import type { ModelDescription } from '../../../tokenizer/format/description.ts';
import type { Table } from '../../../tokenizer/format/file.ts';

export interface BuiltModel {
  readonly model: ModelDescription;
  readonly tables: readonly (readonly [name: string, table: Table])[];
}
