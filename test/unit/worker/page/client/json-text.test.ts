/** @module The page's JSON parts against JSON.parse, over any value, spacing and beginning of a text. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutAt, type JsonPart, jsonParts } from '../../../../../worker/page/client/json-text.ts';

const indents = fc.constantFrom(undefined, 1, 2, '\t');
const anyText = fc
  .tuple(fc.jsonValue({ stringUnit: 'binary', maxDepth: 4 }), indents)
  .map(([value, indent]) => JSON.stringify(value, null, indent));
const joined = (parts: readonly JsonPart[]) => parts.map(({ text }) => text).join('');

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** What a part must be, by the values of `JSON.parse`, in the order of the text. */
function* expectedParts(value: unknown): Generator<[string, unknown]> {
  if (Array.isArray(value)) for (const item of value) yield* expectedParts(item);
  else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      yield ['key', key];
      yield* expectedParts(item);
    }
  } else yield [typeof value === 'string' || typeof value === 'number' ? typeof value : 'literal', value];
}

describe('the parts of a JSON text', () => {
  it('are the keys, strings, numbers and literals that JSON.parse finds', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const parts = jsonParts(text, true) ?? [];
        expect(joined(parts)).toBe(text);
        const found = parts
          .filter(({ kind }) => kind !== null && kind !== 'punctuation')
          .map((part) => [part.kind, JSON.parse(part.text)]);
        expect(found).toEqual([...expectedParts(JSON.parse(text))]);
      }),
    );
  });

  it('are known at every beginning of the text, and stay the same', () => {
    fc.assert(
      fc.property(anyText, fc.nat(), (text, cut) => {
        const beginning = text.slice(0, cut % (text.length + 1));
        const parts = jsonParts(beginning, true) ?? [];
        expect(joined(parts)).toBe(beginning);
        const [sameLength = []] = cutAt(jsonParts(text, true) ?? [], [beginning]);
        expect(parts.map(({ kind }) => kind)).toEqual(sameLength.map(({ kind }) => kind));
      }),
    );
  });

  it('are none once no text that follows could make it JSON, and only then', () => {
    const noise = fc.constantFrom(...'{}[]:,"\\u0-+.eE1 truefalsn\n');
    const spoilt = fc.tuple(anyText, fc.nat(), noise, fc.boolean()).map(([text, at, character, replaces]) => {
      const index = at % (text.length + 1);
      return text.slice(0, index) + character + text.slice(index + Number(replaces));
    });
    fc.assert(
      fc.property(
        fc.oneof(
          spoilt,
          fc.array(noise).map((noises) => noises.join('')),
        ),
        (text) => {
          const parts = jsonParts(text, true);
          if (isJson(text)) expect(parts).not.toBeNull();
          if (!parts) {
            expect(isJson(text)).toBe(false);
            for (const end of ['"', '1', '}', ']', 'e', '"}', '1}', 'rue', 'ull}', ':1}']) {
              expect(isJson(text + end)).toBe(false);
            }
          } else expect(completions(parts, text).some(isJson), JSON.stringify(text)).toBe(true);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it.each(['', 'Once {', ' "a', '12', 'true'])('are none for %j, unless any value is expected', (text) => {
    expect(jsonParts(text)).toBeNull();
  });

  it('end where the object ends', () => {
    expect(jsonParts('[1] and more')?.map(({ kind }) => kind)).toEqual([
      'punctuation',
      'number',
      'punctuation',
      null,
      null,
    ]);
  });

  it('are found in time that is linear in the length', () => {
    const text = '[{"a":"\\\\'.repeat(20_000);
    expect(jsonParts(`${'['.repeat(100_000)}`)).toHaveLength(100_000);
    expect(jsonParts(text)).toBeNull();
  });
});

/** Texts of which one is JSON if `text` can become JSON: what its end may lack, and the closing brackets. */
function completions(parts: readonly JsonPart[], text: string): string[] {
  const open: string[] = [];
  for (const { kind, text: part } of parts) {
    if (kind !== 'punctuation') continue;
    if (part === '{' || part === '[') open.unshift(part === '{' ? '}' : ']');
    if (part === '}' || part === ']') open.shift();
  }
  const closed = open.join('');
  const ends = ['', '1', '0', '"', '\\"', '000"', '00"', '0"', 'n"', 'u0000"', '0000"'];
  const words = ['rue', 'ue', 'e', 'alse', 'lse', 'se', 'ull', 'll', 'l'];
  const ofKeys = [':1', '":1', '"a":1', 'n":1', '"":1', '0000":1', '000":1', '00":1', '0":1'];
  const rest = parts.findLastIndex(({ kind }) => kind !== null);
  const isOver = open.length === 0 && /^[}\]]$/.test(parts[rest]?.text ?? '');
  // After the end of the JSON text any text is accepted.
  const own = isOver || parts.length > rest + 2 ? joined(parts.slice(0, rest + 1)) : text;
  const scalar = joined(parts.slice(0, rest + 1));
  return [own, scalar].flatMap((begun) => [...ends, ...words, ...ofKeys].map((end) => begun + end + closed));
}

it('cutAt cuts parts where texts end', () => {
  fc.assert(
    fc.property(anyText, fc.array(fc.nat({ max: 5 })), (text, lengths) => {
      const texts: string[] = [];
      let at = 0;
      for (const length of lengths) {
        texts.push(text.slice(at, at + length));
        at += length;
      }
      const cut = cutAt(jsonParts(text, true) ?? [], texts);
      expect(cut.map(joined)).toEqual(texts);
    }),
  );
});
