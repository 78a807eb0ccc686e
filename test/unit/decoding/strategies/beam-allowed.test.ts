/** @module `allowed` of a beam: as many tokens as brute force over the choices of a constraint finds. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Automaton } from '../../../../decoding/constraints/automaton/automaton.ts';
import { Constraint } from '../../../../decoding/constraints/automaton/constraint.ts';
import type { Frame } from '../../../../decoding/constraints/automaton/frame.ts';
import { MaskCache } from '../../../../decoding/constraints/automaton/mask-cache.ts';
import { sortTokens, Vocabulary } from '../../../../decoding/constraints/automaton/vocabulary.ts';
import { decode } from '../../../../decoding/decode.ts';
import type { BeamsEvent } from '../../../../decoding/interface/events.ts';
import type { DecodingOptions } from '../../../../decoding/options/options.ts';
import { beams } from '../../../support/decoding-cases.ts';
import { LookupModel } from '../../../support/lookup-model.ts';

/** The first ends the text. */
const TOKENS = ['', 'a', 'b', 'c', 'ab', 'ba', 'abc', 'aa', 'cc'];
const END = 0;

function vocabulary(): Vocabulary {
  const bytes = new TextEncoder().encode(TOKENS.join(''));
  const offsets = new Uint32Array(TOKENS.length + 1);
  TOKENS.forEach((token, i) => {
    offsets[i + 1] = (offsets[i] as number) + token.length;
  });
  return new Vocabulary(
    { offsets, bytes },
    sortTokens({ offsets, bytes }, () => true),
  );
}

/** A frame that reads one of the texts. */
function oneOf(texts: readonly string[], frames: Map<string, Frame>): Frame {
  const key = [...new Set(texts)].sort().join();
  const known = frames.get(key);
  if (known) return known;
  const bytes = [...new Set(texts.flatMap((text) => (text === '' ? [] : text.charCodeAt(0))))];
  const frame: Frame = {
    isDone: texts.includes(''),
    distance: Math.min(...texts.map(({ length }) => length)),
    bytes: bytes.sort((a, b) => a - b),
    step(byte) {
      const rests = texts.filter((text) => text.charCodeAt(0) === byte).map((text) => text.slice(1));
      if (rests.length === 0) return [];
      return [rests.every((rest) => rest === '') ? [] : [oneOf(rests, frames)]];
    },
  };
  frames.set(key, frame);
  return frame;
}

function choice(texts: readonly string[]): Constraint {
  const automaton = new Automaton(1000);
  const start = automaton.push([oneOf(texts, new Map())], automaton.end);
  return new Constraint(automaton, start, vocabulary(), new MaskCache(2 ** 16));
}

/** The tokens after which some choice is still possible, and the end of text after a choice. */
function allowedAfter(text: string, choices: readonly string[]): number[] {
  return TOKENS.flatMap((token, id) => {
    if (id === END) return choices.includes(text) ? [END] : [];
    return choices.some((candidate) => candidate.startsWith(text + token)) ? [id] : [];
  });
}

async function frontsOf(
  options: DecodingOptions,
  seed: number,
  constraint?: Constraint,
): Promise<BeamsEvent[]> {
  const fronts: BeamsEvent[] = [];
  const model = new LookupModel({ seed, vocabSize: TOKENS.length, eosTokenIds: [END] });
  for await (const event of decode(model, [1], options, constraint && { constraint })) {
    if (event.type === 'beams') fronts.push(event);
  }
  return fronts;
}

const choices = fc.uniqueArray(
  fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 5 }),
  {
    minLength: 1,
    maxLength: 6,
  },
);
const searches = fc.record({
  num_beams: fc.constantFrom(2, 4),
  num_beam_groups: fc.constantFrom(1, 2),
  // With them rows of logits are copied, without them read in place.
  logprobs: fc.constantFrom(undefined, 2),
});

it('is the number of tokens that lead to a choice, and every chosen token is one of them', async () => {
  await fc.assert(
    fc.asyncProperty(choices, searches, fc.nat(), async (texts, search, seed) => {
      const { num_beam_groups, logprobs, num_beams } = search;
      const options = {
        ...{ num_beams, max_new_tokens: 12 },
        ...(logprobs !== undefined && { logprobs }),
        ...(num_beam_groups > 1 && { num_beam_groups, diversity_penalty: 0.5 }),
      };
      let live = new Map<number, string>();
      for (const { step, beams: front } of await frontsOf(options, seed, choice(texts))) {
        const next = new Map<number, string>();
        for (const { index, token, parent, allowed } of front) {
          const before = step === 1 ? '' : (live.get(parent) as string);
          const tokens = allowedAfter(before, texts);
          expect(tokens).toContain(token);
          expect(allowed).toBe(tokens.length);
          if (index !== null) next.set(index, before + TOKENS[token]);
        }
        live = next;
      }
    }),
    { numRuns: 300 },
  );
});

it('is absent without a constraint', async () => {
  await fc.assert(
    fc.asyncProperty(beams, fc.nat(), async (options, seed) => {
      for (const { beams: front } of await frontsOf({ ...options, stop_token_ids: [] }, seed)) {
        for (const beam of front) expect(Object.keys(beam)).not.toContain('allowed');
      }
    }),
    { numRuns: 30 },
  );
});
