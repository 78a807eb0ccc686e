/** @module Constraints over random vocabularies, against all tokens one by one. */
import { describe, expect, it } from 'vitest';
import { Automaton } from '../../../../../decoding/constraints/automaton/automaton.ts';
import { Constraint } from '../../../../../decoding/constraints/automaton/constraint.ts';
import { CompileBudget } from '../../../../../decoding/constraints/automaton/errors.ts';
import type { Frame } from '../../../../../decoding/constraints/automaton/frame.ts';
import type { Mask } from '../../../../../decoding/constraints/automaton/mask.ts';
import { MaskCache } from '../../../../../decoding/constraints/automaton/mask-cache.ts';
import type { State } from '../../../../../decoding/constraints/automaton/state.ts';
import type { Vocabulary } from '../../../../../decoding/constraints/automaton/vocabulary.ts';
import { compileChoice } from '../../../../../decoding/constraints/grammar/choice.ts';
import { compileGrammar } from '../../../../../decoding/constraints/grammar/gbnf.ts';
import { Draw } from '../../../../support/draw.ts';
import { ALPHABET, RandomGrammar } from '../../../../support/random-grammars.ts';
import { randomVocabulary, type Tokens, vocabularyOf } from '../../../../support/random-vocabulary.ts';

interface Case {
  readonly frames: readonly Frame[];
  readonly tokens: Tokens;
  accepts(text: string): boolean;
}

/** @returns undefined for a grammar that has no text */
function randomCase(draw: Draw): Case | undefined {
  const text = () => Array.from({ length: draw.integer(1, 8) }, () => draw.pick(ALPHABET)).join('');
  const tokens = randomVocabulary(draw, Array.from({ length: 5 }, text), draw.integer(0, 40));
  if (draw.chance(0.3)) {
    const choices = Array.from({ length: draw.integer(1, 10) }, text);
    return {
      frames: compileChoice(choices, new CompileBudget()),
      tokens,
      accepts: (answer) => choices.includes(answer),
    };
  }
  const grammar = new RandomGrammar(draw);
  try {
    const frames = compileGrammar(grammar.source, new CompileBudget());
    return { frames, tokens, accepts: (answer) => grammar.accepts(answer) };
  } catch {
    return undefined;
  }
}

/** Finds by trying out every token what a constraint finds with a trie. */
class BruteForce {
  readonly #automaton: Automaton;
  readonly #tokens: Tokens['bytes'];
  readonly #next = new Map<State, ReadonlyMap<number, State>>();
  readonly #least = new Map<State, number>();

  constructor(automaton: Automaton, tokens: Tokens['bytes']) {
    this.#automaton = automaton;
    this.#tokens = tokens;
  }

  allowed(state: State, room: number): number[] {
    return [...this.#after(state)]
      .filter(([, next]) => room === Infinity || this.leastTokens(next, room) <= room - 1)
      .map(([token]) => token);
  }

  /** @returns a number of at least `limit` if there is no answer of fewer tokens */
  leastTokens(from: State, limit: number): number {
    const known = this.#least.get(from);
    if (known !== undefined) return known;
    const seen = new Set([from]);
    let level = [from];
    for (let tokens = 0; tokens < limit; tokens++) {
      if (level.some(({ accepts }) => accepts)) {
        this.#least.set(from, tokens);
        return tokens;
      }
      const next = new Set(level.flatMap((state) => [...this.#after(state).values()]));
      level = [...next].filter((state) => !seen.has(state));
      for (const state of level) seen.add(state);
    }
    return limit;
  }

  #after(state: State): ReadonlyMap<number, State> {
    let after = this.#next.get(state);
    this.#automaton.bound();
    if (!after) {
      const entries = this.#tokens.flatMap((bytes, token): [number, State][] => {
        let next: State | null = bytes.length > 0 ? state : null;
        for (const byte of bytes) next = next && this.#automaton.step(next, byte);
        return next ? [[token, next]] : [];
      });
      after = new Map(entries);
      this.#next.set(state, after);
    }
    return after;
  }
}

function tokensOf(mask: Mask, vocabSize: number): number[] {
  const tokens = Array.from({ length: vocabSize }, (_, token) => token).filter((token) => mask.has(token));
  expect(mask.size).toBe(tokens.length);
  if (mask.list) expect([...mask.list]).toEqual(tokens);
  return tokens;
}

describe('Constraint', () => {
  it('allows exactly the tokens that may follow and leave room for an answer, and every answer is accepted', () => {
    const counts = { answers: 0, closed: 0 };
    for (let seed = 0; seed < 200; seed++) {
      const draw = new Draw(seed);
      const random = randomCase(draw);
      if (!random) continue;
      const { frames, tokens, accepts } = random;
      const { vocabulary } = tokens;
      // Some of the grammars are so ambiguous that the usual bounds would make their masks smaller.
      const automaton = new Automaton(100_000, 2_000_000);
      const start = automaton.push(frames, automaton.end);
      const constraint = new Constraint(
        automaton,
        start,
        vocabulary,
        new MaskCache(draw.pick([0, 2_000, 1e6])),
      );
      const bruteForce = new BruteForce(automaton, tokens.bytes);
      const least = constraint.leastTokens(start);
      expect(least, `${seed}`).toBe(bruteForce.leastTokens(start, least + 1));
      for (let answer = 0; answer < 4; answer++) {
        let room = draw.pick([least, least + draw.integer(0, 5), Infinity]);
        const bytes: number[] = [];
        let state = start;
        for (let steps = 0; ; steps++) {
          if (steps > 8 && room === Infinity) room = constraint.leastTokens(state) + 1;
          const allowed = tokensOf(constraint.allowed(state, room), vocabulary.vocabSize);
          expect(allowed, `${seed}: ${bytes}, room ${room}`).toEqual(bruteForce.allowed(state, room));
          if (state.accepts && (allowed.length === 0 || draw.chance(0.2))) break;
          const token = draw.pick(allowed);
          state = constraint.next(state, token) as State;
          bytes.push(...(tokens.bytes[token] ?? []));
          if (room <= 1) counts.closed++;
          room--;
        }
        const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
          Uint8Array.from(bytes),
        );
        expect(accepts(text), `${seed}: ${text}`).toBe(true);
        expect(room).toBeGreaterThanOrEqual(0);
        counts.answers++;
      }
    }
    expect(counts.answers).toBeGreaterThan(200);
    expect(counts.closed).toBeGreaterThan(50);
  });

  it.each([
    // Many alternatives at once, with the counts that are left.
    ['root ::= ("a"{1,40} "b"? "a"{2,30}){1,20} "c"', 'aaaaaaaaaaaaabaaaaaa'],
    // Frames after which any token may go on.
    ['root ::= ("a" | "b" | "€")* "aab" "€"{0,9}', 'abaabab€€'],
  ])('allows what all alternatives of %s do', (source, text) => {
    const pieces = ['abaab', 'aaaaaa', 'ac€', 'bc', '€€€'];
    const tokens = randomVocabulary(new Draw(1), pieces, 2_000);
    const automaton = new Automaton(100_000);
    const start = automaton.push(compileGrammar(source, new CompileBudget()), automaton.end);
    const constraint = new Constraint(automaton, start, tokens.vocabulary, new MaskCache(1e6));
    const bruteForce = new BruteForce(automaton, tokens.bytes);
    let state = start;
    for (const byte of new TextEncoder().encode(text)) {
      for (const room of [Infinity, constraint.leastTokens(state), constraint.leastTokens(state) + 1]) {
        const allowed = tokensOf(constraint.allowed(state, room), tokens.vocabulary.vocabSize);
        expect(allowed).toEqual(bruteForce.allowed(state, room));
      }
      state = automaton.step(state, byte) as State;
    }
  });

  it('allows single bytes where the tokens have too many readings', () => {
    const letters = [...'abcdefghijklmnopqrstuvwxyz'];
    const palindrome = letters.map((letter) => `"${letter}" root "${letter}" | "${letter}"`).join(' | ');
    const { vocabulary } = randomVocabulary(new Draw(1), [letters.join(''), 'zyx', 'aacc'], 10);
    const words = letters.flatMap((a) =>
      letters.flatMap((b) => letters.map((c) => [a, b, c, a, b, c, a, b, c].join(''))),
    );
    const bytes = Array.from({ length: 256 }, (_, byte) => [byte]);
    const large = vocabularyOf([
      ...bytes,
      ...words.map((word) => [...new TextEncoder().encode(word)]),
    ]).vocabulary;
    const constraintOf = (ofTokens: Vocabulary) => {
      const automaton = new Automaton(10_000);
      const start = automaton.push(
        compileGrammar(`root ::= ${palindrome}`, new CompileBudget()),
        automaton.end,
      );
      return new Constraint(automaton, start, ofTokens, new MaskCache(1e6));
    };
    const small = constraintOf(vocabulary);
    expect(small.allowed(small.start).size).toBeGreaterThan(25);
    const narrowed = constraintOf(large);
    const singles = letters.map((letter) => letter.charCodeAt(0));
    expect(tokensOf(narrowed.allowed(narrowed.start), large.vocabSize)).toEqual(singles);
    // Where there is little room, those with which the text can still end.
    expect(tokensOf(narrowed.allowed(narrowed.start, 1), large.vocabSize)).toEqual(singles);
    const deep = [...'abcdefgh'].reduce<State | null>(
      (state, letter) => state && narrowed.next(state, letter.charCodeAt(0)),
      narrowed.start,
    ) as State;
    expect(tokensOf(narrowed.allowed(deep, 8), large.vocabSize)).toEqual(['g'.charCodeAt(0)]);
  });
});
