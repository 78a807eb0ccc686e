/** @module What each token is in a text, where that depends on its place (`tokenizer/text/token-texts.ts`). */
import type { Table } from '../../../tokenizer/format/file.ts';
import { offsetsOf } from '../../../tokenizer/format/file.ts';
import { fail } from '../files/folder.ts';
import { CLEAN_UP, type DecoderSteps, type Place } from './decoder-steps.ts';
import type { TokenTexts } from './texts.ts';

const BYTE_TOKEN = /^<0x([0-9A-Fa-f]{2})>$/;
const INSIDE: Place = { isFirst: false, isLast: false };
const FIRST: Place = { isFirst: true, isLast: false };
const LAST: Place = { isFirst: false, isLast: true };
const NO_BYTES = new Uint8Array(0);

/**
 * @param tokens by id, with holes
 * @param cleanUp whether the reference removes spaces before punctuation: `clean_up_tokenization_spaces`
 * @param location of the decoder, for errors
 * @throws CheckpointError if a token's text depends on its place in a way that cannot be described
 */
export function placeAwareTexts(
  tokens: readonly (string | undefined)[],
  decoder: DecoderSteps,
  cleanUp: boolean,
  location: string,
): TokenTexts {
  const encoder = new TextEncoder();
  const bytes: Uint8Array[] = [];
  const firsts: { id: number; text: string }[] = [];
  const byteTokens: number[] = [];
  const spaced: number[] = [];
  let differsAsFirst = false;
  for (const [id, token] of tokens.entries()) {
    bytes[id] = NO_BYTES;
    if (token === undefined) continue;
    const byte = byteOf(token, decoder);
    if (byte !== undefined) {
      bytes[id] = Uint8Array.of(byte);
      byteTokens.push(id);
      continue;
    }
    const inside = apply(decoder.steps, token, INSIDE);
    bytes[id] = encoder.encode(inside);
    const first = apply(decoder.steps, token, FIRST);
    differsAsFirst ||= first !== inside;
    if (first !== withoutSpace(inside)) firsts.push({ id, text: first });
    const last = apply(decoder.steps, token, LAST);
    if (last === inside) continue;
    if (inside !== `${last} `) {
      fail(location, `the text of ${JSON.stringify(token)} cannot be written before the next token is known`);
    }
    spaced.push(id);
  }
  if (differsAsFirst && decoder.stripsText) {
    fail(location, 'steps that strip each token and the whole text are not supported together');
  }
  return {
    bytes,
    text: {
      first: differsAsFirst ? 'strip-token' : decoder.stripsText ? 'strip-text' : 'same',
      last: spaced.length > 0 ? 'strip' : 'same',
      hasByteTokens: byteTokens.length > 0,
      inRuns: decoder.inRuns,
      replacements: [...decoder.replacements, ...(cleanUp ? CLEAN_UP : [])],
    },
    tables: [
      ...(differsAsFirst ? firstTables(firsts) : []),
      ...table('byteTokenIds', byteTokens),
      ...table('spacedIds', spaced),
    ],
  };
}

function firstTables(firsts: readonly { id: number; text: string }[]): [string, Table][] {
  const texts = firsts.map(({ text }) => new TextEncoder().encode(text));
  return [
    ['firstIds', Uint32Array.from(firsts, ({ id }) => id)],
    ['firstOffsets', offsetsOf(texts)],
    ['firstBytes', Uint8Array.from(Buffer.concat(texts))],
  ];
}

const table = (name: string, ids: readonly number[]): [string, Table][] =>
  ids.length > 0 ? [[name, Uint32Array.from(ids)]] : [];

function apply(steps: DecoderSteps['steps'], token: string, place: Place): string {
  return steps.reduce((text, step) => step(text, place), token);
}

const withoutSpace = (text: string) => (text.startsWith(' ') ? text.slice(1) : text);

/** The byte that a token such as `<0x0A>` stands for. */
function byteOf(token: string, { steps, beforeBytes }: DecoderSteps): number | undefined {
  if (beforeBytes === null) return undefined;
  const match = BYTE_TOKEN.exec(apply(steps.slice(0, beforeBytes), token, INSIDE));
  return match ? Number.parseInt(match[1] as string, 16) : undefined; // the group is not optional
}
