/** @module What a caller asks of a text. */

export type ConstraintSource =
  /** One of these texts, exactly. */
  | { readonly type: 'choice'; readonly choices: readonly string[] }
  /** A text that the expression matches from its beginning to its end: JavaScript's syntax and flags. */
  | { readonly type: 'regex'; readonly pattern: string; readonly flags?: string }
  /** A JSON text that the schema accepts. */
  | { readonly type: 'json_schema'; readonly schema: unknown }
  /** Any JSON object. */
  | { readonly type: 'json_object' }
  /** A text of the grammar's `root`, in llama.cpp's GBNF. */
  | { readonly type: 'grammar'; readonly grammar: string };
