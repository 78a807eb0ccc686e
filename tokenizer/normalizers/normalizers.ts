/** @module Normalizers: what a tokenizer changes in a text before it splits it. */
import type { NormalizerDescription } from '../format/description.ts';
import { fail, type Tables } from '../format/file.ts';
import { type FindMatches, matchesOf, regExpOf } from '../unicode/patterns.ts';
import { toByteSymbols } from '../unicode/symbols.ts';
import { bertNormalizer } from './bert-normalizer.ts';
import { lowercase, stripAccents } from './letters.ts';
import { normalizeNmt } from './nmt.ts';
import { CharsMap } from './precompiled.ts';

export type Normalize = (text: string) => string;

/** All normalizers of a description, one after the other. */
export function createNormalizer(descriptions: readonly NormalizerDescription[], tables: Tables): Normalize {
  const [first, ...others] = descriptions.map((description) => normalizerOf(description, tables));
  if (!first) return (text) => text;
  return others.reduce((before, next) => (text) => next(before(text)), first);
}

function normalizerOf(description: NormalizerDescription, tables: Tables): Normalize {
  switch (description.type) {
    case 'NFC':
    case 'NFD':
    case 'NFKC':
    case 'NFKD': {
      const { type } = description;
      return (text) => text.normalize(type);
    }
    case 'Lowercase':
      return lowercase;
    case 'StripAccents':
      return stripAccents;
    case 'Nmt':
      return normalizeNmt;
    case 'ByteLevel':
      return toByteSymbols;
    case 'Strip':
      return strip(description);
    case 'Replace': {
      return replace(matchesOf(regExpOf(description.pattern)), description.content);
    }
    case 'Prepend':
      return (text) => (text === '' ? '' : description.prepend + text);
    case 'BertNormalizer':
      return bertNormalizer(description);
    case 'Precompiled': {
      const map = new CharsMap(tables.get('charsmap', 'u8'));
      return (text) => map.normalize(text);
    }
    default:
      return fail(`has a normalizer of an unknown type, ${JSON.stringify(description satisfies never)}`);
  }
}

/** Not String.replace, which counts empty matches behind others. */
function replace(find: FindMatches, content: string): Normalize {
  return (text) => {
    let replaced = '';
    let done = 0;
    find(text, (start, end) => {
      replaced += text.slice(done, start) + content;
      done = end;
    });
    return done === 0 && replaced === '' ? text : replaced + text.slice(done);
  };
}

/** White space as the reference has it: U+0085 is, U+FEFF is not. */
const LEFT = /^\p{White_Space}+/u;
const WHITE_SPACE = /\p{White_Space}/u;

function strip({ left, right }: { readonly left: boolean; readonly right: boolean }): Normalize {
  return (text) => {
    let end = text.length;
    // Not a regular expression, which would look for an end from every white space on.
    if (right) while (end > 0 && WHITE_SPACE.test(text[end - 1] as string)) end--;
    const kept = text.slice(0, end);
    return left ? kept.replace(LEFT, '') : kept;
  };
}
