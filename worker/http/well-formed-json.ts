/** @module Lone surrogates in JSON text. */

const SURROGATE = /\\u[dD][89a-fA-F]/;
/** An escape sequence: a pair of surrogates, a surrogate without its other half, or any other. */
const ESCAPE =
  /\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|(?<lone>\\u[dD][89a-fA-F][\da-fA-F]{2})|\\[\s\S]/g;

/**
 * JSON text in which each escaped lone surrogate is U+FFFD. Such a string is no Unicode text: UTF-8 has no
 * bytes for it, the tokenizer reads U+FFFD, and many clients cannot parse an answer that repeats it.
 */
export function wellFormedJson(json: string): string {
  if (!SURROGATE.test(json)) return json;
  return json.replace(ESCAPE, (sequence, lone?: string) => (lone === undefined ? sequence : '\\ufffd'));
}
