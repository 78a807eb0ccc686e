/** @module Describes the normalizers of `tokenizer.json`. */
import * as z from 'zod';
import type { NormalizerDescription } from '../../../tokenizer/format/description.ts';
import type { Table } from '../../../tokenizer/format/file.ts';
import { check, fail } from '../files/folder.ts';
import type { Step } from '../files/tokenizer-json.ts';
import { patternSchema, toPattern } from './patterns.ts';
import { type LocatedStep, stepsOf } from './steps.ts';

const bert = z.object({
  clean_text: z.boolean().default(true),
  handle_chinese_chars: z.boolean().default(true),
  strip_accents: z.boolean().nullish(),
  lowercase: z.boolean().default(true),
});
const strip = z.object({ strip_left: z.boolean().default(true), strip_right: z.boolean().default(true) });
const replace = z.object({ pattern: patternSchema, content: z.string() });
const prepend = z.object({ prepend: z.string() });
const precompiled = z.object({ precompiled_charsmap: z.base64() });

export interface Normalizers {
  readonly normalizers: readonly NormalizerDescription[];
  readonly tables: readonly (readonly [name: string, table: Table])[];
}

/** @param location file and field, for errors */
export function describeNormalizers(step: Step | null | undefined, location: string): Normalizers {
  const tables: [string, Table][] = [];
  const normalizers = stepsOf(step, location, 'normalizers').flatMap((located) => {
    if (located.step.type !== 'Precompiled') return [describe(located)];
    const { precompiled_charsmap } = check(located.location, precompiled, located.step);
    if (precompiled_charsmap === '') return [];
    if (tables.length > 0) fail(located.location, 'is the second map of characters, and one is supported');
    const charsmap = Uint8Array.from(Buffer.from(precompiled_charsmap, 'base64'));
    checkCharsmap(charsmap, located.location);
    tables.push(['charsmap', charsmap]);
    return [{ type: 'Precompiled' as const }];
  });
  return { normalizers, tables };
}

/** The map's trie has whole units, and is in the map. The length of the trie comes first. */
function checkCharsmap(charsmap: Uint8Array, location: string): void {
  const length = charsmap.length < 4 ? 0 : new DataView(charsmap.buffer).getUint32(0, true);
  if (length === 0 || length % 4 !== 0 || length > charsmap.length - 4) {
    fail(location, `has a map of ${charsmap.length} bytes, with a trie of ${length} bytes: it is damaged`);
  }
}

function describe({ step, location }: LocatedStep): NormalizerDescription {
  const { type } = step;
  switch (type) {
    case 'NFC':
    case 'NFD':
    case 'NFKC':
    case 'NFKD':
    case 'Lowercase':
    case 'StripAccents':
    case 'Nmt':
    case 'ByteLevel':
      return { type };
    case 'Strip': {
      const { strip_left, strip_right } = check(location, strip, step);
      return { type, left: strip_left, right: strip_right };
    }
    case 'Replace': {
      const { pattern, content } = check(location, replace, step);
      return { type, pattern: toPattern(pattern, location), content };
    }
    case 'Prepend':
      return { type, prepend: check(location, prepend, step).prepend };
    case 'BertNormalizer': {
      const fields = check(location, bert, step);
      return {
        type,
        cleanText: fields.clean_text,
        handleChineseChars: fields.handle_chinese_chars,
        stripAccents: fields.strip_accents ?? fields.lowercase,
        lowercase: fields.lowercase,
      };
    }
    default:
      return fail(location, `the normalizer "${type}" is not supported`);
  }
}
