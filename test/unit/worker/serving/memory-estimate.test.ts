/**
 * @module The estimate of a generation's JavaScript memory against V8's own figures, over random requests: never
 * below what is held, and not much more.
 */
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { healPrompt } from '../../../../decoding/constraints/automaton/healing.ts';
import { Vocabulary } from '../../../../decoding/constraints/automaton/vocabulary.ts';
import type { DecodingOptions } from '../../../../decoding/options/options.ts';
import type { Tokenizer } from '../../../../tokenizer/tokenizer.ts';
import { LogprobEntries } from '../../../../worker/contracts/openai/logprobs.ts';
import { wholeChoices } from '../../../../worker/contracts/openai/whole.ts';
import { Catalogues } from '../../../../worker/isolate/catalogues.ts';
import { Constraints } from '../../../../worker/isolate/constraints.ts';
import type { CollectedAnswer } from '../../../../worker/serving/collected.ts';
import { collectGeneration, startGeneration } from '../../../../worker/serving/generate.ts';
import { type AnswerForm, estimateMemory } from '../../../../worker/serving/memory-estimate.ts';
import type { GenerationRequest, Prompt } from '../../../../worker/serving/request.ts';
import { sizeOf } from '../../../../worker/serving/reservation.ts';
import { loadTokenizer } from '../../../golden/tokenizer-golden.ts';
import { Draw } from '../../../support/draw.ts';
import { request } from '../../../support/generations.ts';
import type { RowMemory } from '../../../support/lending-model.ts';
import {
  forgetRows,
  liveBytes,
  MEASURED_VOCABULARY,
  measuredRows,
  measuredTwice,
  measuringEngine,
} from '../../../support/measured-memory.ts';

let tokenizer: Tokenizer;
let rowMemory: RowMemory;
beforeAll(async () => {
  tokenizer = await loadTokenizer('default');
  rowMemory = await measuredRows();
});

const limits = { length: 1, milliseconds: 1 };

interface Measured {
  readonly estimate: number;
  readonly real: number;
}

const totals = { estimate: 0, real: 0 };
beforeEach(() => {
  totals.estimate = 0;
  totals.real = 0;
});

/** A single figure is too uncertain for "not much more", which is judged by the totals. */
async function check(given: GenerationRequest, form: AnswerForm): Promise<void> {
  const { estimate, real, most } = await measuredTwice(() => measure(given, form));
  const { prompts, options } = given;
  const about = JSON.stringify({ form, prompts: prompts.map(({ ids }) => ids.length), options });
  expect(estimate, about).toBeGreaterThanOrEqual(real);
  // As /health reports it.
  expect(Number.isInteger(estimate)).toBe(true);
  totals.estimate += estimate;
  totals.real += Math.max(most, 0);
}

async function measure(given: GenerationRequest, form: AnswerForm): Promise<Measured> {
  const isLong = given.options.truncation === 'auto';
  const { engine, peak } = isLong ? measuringEngine(131, rowMemory, 256) : measuringEngine(23, rowMemory);
  const constraints = new Constraints(tokenizer, engine.memory);
  const catalogues = new Catalogues(engine);
  const model = { engine, tokenizer, constraints, catalogues, defaults: {} };
  const { signal } = new AbortController();
  forgetRows();
  const before = liveBytes();
  let real = 0;
  if (form !== 'stream') {
    const { answer, held } = await collectGeneration(model, given, { limits, signal, form });
    const objects = form === 'object' ? objectsOf(answer, given) : [];
    real = liveBytes();
    expect(objects.length).toBe(form === 'object' ? 3 : 0);
    // The answer lives until here.
    expect(answer.usage.completion_tokens).toBeGreaterThan(0);
    held.close();
  } else {
    const { events } = await startGeneration(model, given, { limits, signal });
    for await (const _ of events);
  }
  const { logprobs, prompt_logprobs } = given.options;
  const echo = logprobs !== undefined && prompt_logprobs !== undefined;
  const { answer, search } = estimateMemory(sizeOf(engine, { ...given, echo }, form));
  return { estimate: answer + peak.trees * search, real: Math.max(real, peak.bytes) - before };
}

/** What a call over RPC makes of an answer: its JSON, its value, and the value's clone. */
function objectsOf(answer: CollectedAnswer, given: GenerationRequest): unknown[] {
  const { logprobs, prompt_logprobs } = given.options;
  const report = {
    echo: prompt_logprobs !== undefined && logprobs !== undefined,
    logprobs,
    return_tokens_as_token_ids: false,
  };
  const choices = wholeChoices(answer, given, report, new LogprobEntries(tokenizer, false, false));
  // As bytes, it is no string of strings any more.
  const json = new TextDecoder().decode(new TextEncoder().encode(Array.from(choices.pieces()).join('')));
  const value: unknown = JSON.parse(json);
  return [json, value, structuredClone(value)];
}

const random = new Draw(14);

function randomRequest(): GenerationRequest {
  const beams = random.chance(0.4);
  const width = random.integer(2, 24);
  const logprobs = random.chance(0.6) ? random.integer(0, 5) : undefined;
  const options: DecodingOptions = {
    max_new_tokens: random.integer(40, 120),
    ...(beams && { num_beams: width }),
    ...((!beams || random.chance(0.3)) && { do_sample: true, top_k: random.integer(0, 60) }),
    seed: random.integer(0, 1000),
    num_return_sequences: beams ? random.integer(1, width) : width,
    logprobs,
    ...(random.chance(0.4) && { prompt_logprobs: logprobs ?? 0 }),
  };
  const prompts = Array.from({ length: random.integer(1, 6) }, () =>
    Array.from({ length: random.integer(20, 400) }, () => random.integer(0, MEASURED_VOCABULARY - 1)),
  );
  return request(prompts, options);
}

/** Most of its memory is its tokens. */
function longRequest(): GenerationRequest {
  const beams = random.chance(0.5);
  const width = random.integer(2, 4);
  const options: DecodingOptions = {
    ...{ truncation: 'auto', n_keep: random.integer(0, 100), max_new_tokens: random.integer(2000, 3000) },
    ...(beams ? { num_beams: width } : { do_sample: true, top_k: 40, num_return_sequences: width }),
  };
  const prompt = Array.from({ length: random.integer(20, 4000) }, () =>
    random.integer(0, MEASURED_VOCABULARY - 1),
  );
  return request([prompt], options);
}

/** What some options add: a second path for each branch, what DRY knows of tokens, a prompt whose end is healed. */
function steeredRequest(draw: Draw, steering: DecodingOptions): GenerationRequest {
  const options: DecodingOptions = {
    max_new_tokens: draw.integer(30, 60),
    ...(draw.chance(0.5) ? { num_beams: 5 } : { do_sample: true, num_return_sequences: 8 }),
    ...steering,
  };
  const prompt = Array.from({ length: draw.integer(20, 600) }, () =>
    draw.integer(0, MEASURED_VOCABULARY - 1),
  );
  const given = request([prompt], options);
  return steering.token_healing ? { ...given, prompts: given.prompts.map(healed) } : given;
}

function healed(prompt: Prompt): Prompt {
  const { offsets, tokenBytes, sorted } = tokenizer.trie;
  const rest = healPrompt(prompt.ids, new Vocabulary({ offsets, bytes: tokenBytes }, sorted));
  return rest.removed.length > 0 ? { ...prompt, ids: rest.kept, healed: rest } : prompt;
}

describe('the estimate of a generation', () => {
  it.each<DecodingOptions>([
    { guidance_scale: 2, negative_prompt_ids: [1, 2, 3] },
    { dry_multiplier: 1 },
    { token_healing: true },
    { token_healing: true, dry_multiplier: 1, guidance_scale: 2 },
  ])(
    'is never less than what is held with %j',
    async (steering) => {
      const draw = new Draw(3);
      for (let i = 0; i < 2; i++) await check(steeredRequest(draw, steering), 'whole');
      expect(totals.estimate).toBeLessThanOrEqual(4 * totals.real);
    },
    120_000,
  );

  it.each(['whole', 'stream', 'object'] as const)(
    'is never less than a %s answer holds, and not much more',
    async (form) => {
      for (let i = 0; i < (form === 'object' ? 3 : 6); i++) await check(randomRequest(), form);
      // Beams share their common beginnings, which the estimate counts for each beam; so do objects share names and
      // shapes.
      expect(totals.estimate).toBeLessThanOrEqual(3 * totals.real);
    },
    // Collecting garbage takes most of it.
    300_000,
  );

  it('has of a prompt far longer than the context its ids alone, twice', async () => {
    const prompt = Array.from({ length: 200_000 }, (_, i) => (i * 37) % MEASURED_VOCABULARY);
    await check(request([prompt], { truncation: 'auto', max_new_tokens: 4 }), 'stream');
    const perToken = totals.estimate / prompt.length;
    expect(perToken).toBeLessThan(12);
  }, 60_000);

  it('is so of a text longer than the context', async () => {
    for (const form of ['whole', 'stream', 'stream'] as const) await check(longRequest(), form);
    expect(totals.estimate).toBeLessThanOrEqual(6 * totals.real);
  }, 300_000);
});
