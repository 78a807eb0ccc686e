/**
 * @module GPT-2's pre-tokenizer: splits text into words, which BPE then encodes one by one.
 *
 * A scan of UTF-8, equivalent to the regular expression of GPT-2's `encoder.py`,
 * `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`,
 * with the reference's character classes instead of the engine's (reason: unicode/gpt2-classes.ts).
 */
import { CLASS_RUNS } from '../unicode/gpt2-classes.ts';

const LETTER = 0;
const NUMBER = 1;
const WHITE_SPACE = 2;
const OTHER = 3;
const CLASSES = { L: LETTER, N: NUMBER, S: WHITE_SPACE, O: OTHER };

const SPACE = 0x20;
const APOSTROPHE = 0x27;
const CONTRACTIONS = ['s', 't', 're', 've', 'm', 'll', 'd'].map((letters) =>
  new TextEncoder().encode(letters),
);

/** Run `i` of code points of one class begins at `runStarts[i]`; ASCII has its own table. */
const { runStarts, runClasses, asciiClasses } = readRuns();

function readRuns() {
  const runs = [...CLASS_RUNS.matchAll(/([0-9a-z]+)([LNSO])/g)];
  const runStarts = new Uint32Array(runs.length);
  const runClasses = new Uint8Array(runs.length);
  const asciiClasses = new Uint8Array(0x80);
  let start = 0;
  runs.forEach(([, length, name], i) => {
    const kind = CLASSES[name as keyof typeof CLASSES];
    runStarts[i] = start;
    runClasses[i] = kind;
    asciiClasses.fill(kind, start); // later runs overwrite this; a start past the end fills nothing
    start += Number.parseInt(length as string, 36);
  });
  return { runStarts, runClasses, asciiClasses };
}

/** The end of the word that begins at `start` < `utf8.length`. `utf8` must be valid, as from TextEncoder. */
export function wordEnd(utf8: Uint8Array, start: number): number {
  if (utf8[start] === APOSTROPHE) {
    const letters = CONTRACTIONS.find((suffix) => suffix.every((byte, i) => utf8[start + 1 + i] === byte));
    if (letters) return start + 1 + letters.length;
  }
  const first = utf8[start] === SPACE ? start + 1 : start;
  if (first < utf8.length) {
    const kind = classAt(utf8, first);
    if (kind !== WHITE_SPACE) return runEnd(utf8, first, kind);
  }
  // The last white space character belongs to the next word, unless it is the only one or the text ends.
  const end = runEnd(utf8, start, WHITE_SPACE);
  if (end === utf8.length) return end;
  const last = previousCharacter(utf8, end);
  return last === start ? end : last;
}

function runEnd(utf8: Uint8Array, start: number, kind: number): number {
  let end = start;
  while (end < utf8.length && classAt(utf8, end) === kind) end += byteLength(utf8[end] as number);
  return end;
}

function previousCharacter(utf8: Uint8Array, end: number): number {
  let start = end - 1;
  while (((utf8[start] as number) & 0xc0) === 0x80) start--; // skips continuation bytes
  return start;
}

function byteLength(lead: number): number {
  return lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

function classAt(utf8: Uint8Array, start: number): number {
  const lead = utf8[start] as number;
  if (lead < 0x80) return asciiClasses[lead] as number;
  const bytes = byteLength(lead);
  let codePoint = lead & (0x7f >> bytes);
  for (let i = 1; i < bytes; i++) codePoint = (codePoint << 6) | ((utf8[start + i] as number) & 0x3f);
  let low = 0;
  let high = runStarts.length; // the run is in [low, high)
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((runStarts[middle] as number) <= codePoint) low = middle;
    else high = middle;
  }
  return runClasses[low] as number;
}
