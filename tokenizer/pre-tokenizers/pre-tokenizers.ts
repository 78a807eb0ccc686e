/** @module Pre-tokenizers: how a tokenizer splits a normalized text into the pieces that its model encodes. */
import type { PreTokenizerDescription } from '../format/description.ts';
import { fail } from '../format/file.ts';
import { characterSet, isWhiteSpace } from '../unicode/character-set.ts';
import { type FindMatches, matchesOf, regExpOf } from '../unicode/patterns.ts';
import { toByteSymbols } from '../unicode/symbols.ts';
import { wordEnd } from './gpt2-words.ts';
import { charactersOf, split } from './split.ts';

/**
 * Splits a piece further. Pieces are passed on one by one: a list of all pieces of a long text would take many times its
 * memory.
 * @param startsText whether the piece is the beginning of the whole text
 * @param sink where the ids go in the end
 */
export type PreTokenize<Sink> = (piece: string, startsText: boolean, sink: Sink) => void;

/** All pre-tokenizers of a description, one after the other; `emit` takes what the last one gives, never ''. */
export function createPreTokenizer<Sink>(
  descriptions: readonly PreTokenizerDescription[],
  emit: (piece: string, sink: Sink) => void,
): PreTokenize<Sink> {
  return descriptions.reduceRight<PreTokenize<Sink>>(
    (next, description) => preTokenizerOf(description, next),
    (piece, _, sink) => emit(piece, sink),
  );
}

function preTokenizerOf<Sink>(
  description: PreTokenizerDescription,
  next: PreTokenize<Sink>,
): PreTokenize<Sink> {
  const splitWith =
    (...[find, behavior, invert]: SplitArguments): PreTokenize<Sink> =>
    (piece, startsText, sink) => {
      split(piece, find, behavior, invert ?? false, (start, end) =>
        next(piece.slice(start, end), startsText && start === 0, sink),
      );
    };
  switch (description.type) {
    case 'ByteLevel':
      return byteLevel(description, next);
    case 'Whitespace': {
      const word = characterSet('WORD');
      const kindOf = (codePoint: number) =>
        word.has(codePoint) ? 'word' : isWhiteSpace(codePoint) ? undefined : 'other';
      return splitWith(runsOf(kindOf), 'Removed', true);
    }
    case 'WhitespaceSplit':
      return splitWith(charactersOf(isWhiteSpace), 'Removed');
    case 'BertPreTokenizer': {
      const punctuation = characterSet('PUNCTUATION');
      return preTokenizerOf({ type: 'WhitespaceSplit' }, (piece, startsText, sink) =>
        split(
          piece,
          charactersOf((c) => punctuation.has(c)),
          'Isolated',
          false,
          (start, end) => next(piece.slice(start, end), startsText && start === 0, sink),
        ),
      );
    }
    case 'Digits': {
      const numbers = characterSet('NUMBER');
      return splitWith(
        charactersOf((c) => numbers.has(c)),
        description.individualDigits ? 'Isolated' : 'Contiguous',
      );
    }
    case 'Punctuation': {
      const punctuation = characterSet('PUNCTUATION');
      return splitWith(
        charactersOf((c) => punctuation.has(c)),
        description.behavior,
      );
    }
    case 'Split': {
      const { pattern, behavior, invert } = description;
      return splitWith(matchesOf(regExpOf(pattern)), behavior, invert);
    }
    case 'Metaspace':
      return metaspace(description, next);
    case 'FixedLength':
      return splitWith(chunksOf(description.length), 'Isolated');
    default:
      return fail(`has a pre-tokenizer of an unknown type, ${JSON.stringify(description satisfies never)}`);
  }
}

type SplitArguments = [
  find: FindMatches,
  behavior: Extract<PreTokenizerDescription, { type: 'Split' }>['behavior'],
  invert?: boolean,
];

/** Characters of one kind in a row are a match; those of no kind are none. */
function runsOf(kindOf: (codePoint: number) => string | undefined): FindMatches {
  return (text, visit) => {
    let begin = 0;
    let current: string | undefined;
    charactersOf(() => true)(text, (start) => {
      const kind = kindOf(text.codePointAt(start) as number); // inside of the text
      if (kind === current) return;
      if (current !== undefined) visit(begin, start);
      [begin, current] = [start, kind];
    });
    if (current !== undefined) visit(begin, text.length);
  };
}

function chunksOf(length: number): FindMatches {
  return (text, visit) => {
    let begin = 0;
    let count = 0;
    charactersOf(() => true)(text, (_, end) => {
      count++;
      if (count % length !== 0) return;
      visit(begin, end);
      begin = end;
    });
  };
}

function byteLevel<Sink>(
  { addPrefixSpace, useRegex, toSymbols }: Extract<PreTokenizerDescription, { type: 'ByteLevel' }>,
  next: PreTokenize<Sink>,
): PreTokenize<Sink> {
  return (piece, startsText, sink) => {
    const text = addPrefixSpace && !piece.startsWith(' ') ? ` ${piece}` : piece;
    const emit = (word: string, isFirst: boolean) =>
      next(toSymbols ? toByteSymbols(word) : word, startsText && isFirst, sink);
    if (!useRegex) {
      emit(text, true);
      return;
    }
    const utf8 = new TextEncoder().encode(text);
    const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true });
    for (let start = 0; start < utf8.length; ) {
      const end = wordEnd(utf8, start);
      emit(decoder.decode(utf8.subarray(start, end)), start === 0);
      start = end;
    }
  };
}

function metaspace<Sink>(
  { replacement, prependScheme, split: splits }: Extract<PreTokenizerDescription, { type: 'Metaspace' }>,
  next: PreTokenize<Sink>,
): PreTokenize<Sink> {
  const separator = matchesOf(regExpOf({ string: replacement }));
  return (piece, startsText, sink) => {
    const replaced = piece.replaceAll(' ', replacement);
    const isPrepended =
      (prependScheme === 'always' || (prependScheme === 'first' && startsText)) &&
      !replaced.startsWith(replacement);
    const text = isPrepended ? replacement + replaced : replaced;
    if (!splits) {
      next(text, startsText, sink);
      return;
    }
    split(text, separator, 'MergedWithNext', false, (start, end) =>
      next(text.slice(start, end), startsText && start === 0, sink),
    );
  };
}
