/**
 * @module A collected answer against the events of the same request's stream, for random requests: alone,
 * together, and while passes fail.
 */
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import type { DecodingOptions } from '../../../../decoding/options/options.ts';
import type { Engine } from '../../../../engine/engine.ts';
import { loadEngine } from '../../../../engine/node/load-engine.ts';
import { OrtError } from '../../../../engine/runtime/errors.ts';
import { collectGeneration, startGeneration } from '../../../../worker/serving/generate.ts';
import type { GenerationRequest } from '../../../../worker/serving/request.ts';
import { Draw } from '../../../support/draw.ts';
import { faults } from '../../../support/faults.ts';
import { request, servedModel } from '../../../support/generations.ts';
import { ODD_INT8 } from '../../../support/models.ts';

vi.mock('onnxruntime-web/ort-wasm-simd-threaded.mjs', async (importActual) => {
  const { faulty } = await import('../../../support/faults.ts');
  const { default: factory } =
    await importActual<typeof import('onnxruntime-web/ort-wasm-simd-threaded.mjs')>();
  return { default: faulty(factory) };
});

const REQUESTS = 60;
const RUN_OPTIONS = {
  limits: { length: 64, milliseconds: 30_000 },
  signal: new AbortController().signal,
};
const IDLE = { requests: 0, waitingRequests: 0, waitingRows: 0, slots: { reserved: 0, taken: 0 } };

let engine: Engine;
beforeAll(async () => {
  engine = await loadEngine(ODD_INT8, { maximumBytes: 24 * 2 ** 20, maxRows: 16 });
});
afterEach(() => {
  faults.stop();
  expect(engine.status).toMatchObject(IDLE);
});
afterAll(() => engine.release());

/** What both forms say of a choice. */
interface Choice {
  readonly promptLogprobs: readonly unknown[] | null;
  readonly tokens: readonly { readonly token: number; readonly model: unknown }[];
  readonly text: string;
  readonly reason: string;
  readonly score: number | null;
}

interface Answer {
  readonly choices: readonly Choice[];
  readonly usage: unknown;
}

async function streamed(given: GenerationRequest): Promise<Answer> {
  const generation = await startGeneration(servedModel(engine), given, RUN_OPTIONS);
  const promptLogprobs = new Map<number, readonly unknown[]>();
  const open = Array.from({ length: given.n * given.prompts.length }, () => ({
    tokens: [] as { token: number; model: unknown }[],
    text: '',
  }));
  const ends = new Map<number, Pick<Choice, 'reason' | 'score'>>();
  for await (const event of generation.events) {
    if (event.type === 'prompt') promptLogprobs.set(event.prompt, event.logprobs);
    if (event.type !== 'token' && event.type !== 'finished') continue;
    const choice = open[event.choice];
    if (!choice || ends.has(event.choice)) throw new Error(`no open choice ${event.choice}`);
    choice.text += event.text;
    if (event.type === 'finished') ends.set(event.choice, { reason: event.reason, score: event.score });
    else choice.tokens.push({ token: event.token.token, model: event.token.model ?? null });
  }
  const choices = open.map((choice, i) => {
    const end = ends.get(i);
    if (!end) throw new Error(`choice ${i} has not finished`);
    return { ...choice, ...end, promptLogprobs: promptLogprobs.get(Math.floor(i / given.n)) ?? null };
  });
  return { choices, usage: generation.usage };
}

async function collected(given: GenerationRequest): Promise<Answer> {
  const { answer, held } = await collectGeneration(servedModel(engine), given, RUN_OPTIONS);
  try {
    const choices = Array.from(answer.choices(), ({ promptLog, tokens, text, reason, score }) => ({
      promptLogprobs: promptLog ? Array.from(promptLog.tokens, (_, i) => promptLog.at(i)) : null,
      tokens: Array.from(tokens(), ({ token, model }) => ({ token, model })),
      text: text(),
      reason,
      score,
    }));
    return { choices, usage: answer.usage };
  } finally {
    held.close();
  }
}

/** Without a cached prefix: an earlier request would change the usage. */
function randomRequest(random: Draw, maxPrompts = 3): GenerationRequest {
  const count = random.integer(1, 3);
  const beams = { num_beams: random.pick([4, 6]), num_return_sequences: count };
  const search = random.pick<DecodingOptions>([
    {},
    { do_sample: true, num_return_sequences: count },
    { do_sample: true, num_return_sequences: count, best_of: count + 2 },
    beams,
    { ...beams, do_sample: true },
    { ...beams, num_beam_groups: 2, diversity_penalty: 0.5 },
  ]);
  const logprobs = random.chance(0.5) ? random.integer(0, 4) : undefined;
  const letters = [...'etaoinsr '];
  const options: DecodingOptions = {
    ...search,
    ...(search.do_sample && { seed: random.integer(0, 1000) }),
    max_new_tokens: random.integer(1, 14),
    ignore_eos: random.chance(0.5),
    ...(logprobs !== undefined && { logprobs }),
    ...(random.chance(0.4) && { prompt_logprobs: logprobs ?? 0 }),
    ...(random.chance(0.4) && { stop: [random.pick(letters), random.pick(letters) + random.pick(letters)] }),
    ...(random.chance(0.2) && { min_new_tokens: 1 }),
  };
  const isLong = random.chance(0.25) && options.prompt_logprobs === undefined;
  if (isLong) {
    Object.assign(options, {
      truncation: 'auto',
      n_keep: random.integer(-1, 6),
      n_discard: random.integer(0, 20),
    });
  }
  const [shortest, longest] = isLong && options.n_keep !== -1 ? ([80, 130] as const) : ([1, 24] as const);
  const prompts = Array.from({ length: random.integer(1, maxPrompts) }, () =>
    Array.from({ length: random.integer(shortest, longest) }, () => random.integer(0, 299)),
  );
  // Greedy search finds one text and repeats it.
  return request(prompts, options, { n: count, keepStop: random.chance(0.5), cachePrompt: false });
}

function about({ options, prompts, n }: GenerationRequest): string {
  return JSON.stringify({ n, prompts: prompts.map(({ ids }) => ids), options });
}

it('equals what its stream joins to', async () => {
  const random = new Draw(41);
  for (let i = 0; i < REQUESTS; i++) {
    const given = randomRequest(random);
    expect(await collected(given), about(given)).toEqual(await streamed(given));
  }
});

it('equals its stream among other requests of both forms', async () => {
  const random = new Draw(42);
  const requests = Array.from({ length: 16 }, () => randomRequest(random));
  const alone = [];
  for (const given of requests) alone.push(await streamed(given));
  const together = await Promise.all(requests.flatMap((given) => [collected(given), streamed(given)]));
  for (const [i, given] of requests.entries()) {
    expect(together[2 * i], about(given)).toEqual(alone[i]);
    expect(together[2 * i + 1], about(given)).toEqual(alone[i]);
  }
});

it('fails with the same error as its stream if a run of onnxruntime fails', async () => {
  const random = new Draw(43);
  const outcomes = { failed: 0, succeeded: 0 };
  for (let i = 0; i < REQUESTS; i++) {
    // A pass for several prompts that fails is repeated for each of them, and may succeed then.
    const given = randomRequest(random, 1);
    const expected = await streamed(given);
    const run = random.integer(0, 60);
    const withFault = async (form: typeof streamed) => {
      faults.fail('_OrtRun', run);
      const outcome = await form(given).catch((error: unknown) => error);
      const failed = faults.stop();
      expect(engine.status, about(given)).toMatchObject(IDLE);
      // A fault is never swallowed, and nothing but a fault makes an answer differ.
      if (failed) expect(outcome, about(given)).toBeInstanceOf(OrtError);
      else expect(outcome, about(given)).toEqual(expected);
      return outcome;
    };
    const [whole, stream] = [await withFault(collected), await withFault(streamed)];
    expect(whole, about(given)).toEqual(stream);
    outcomes[whole instanceof OrtError ? 'failed' : 'succeeded']++;
  }
  expect(outcomes.failed).toBeGreaterThan(5);
  expect(outcomes.succeeded).toBeGreaterThan(5);
});

it('equals its stream, or fails, while runs fail among other requests', async () => {
  const random = new Draw(44);
  for (let round = 0; round < 8; round++) {
    const requests = Array.from({ length: 4 }, () => randomRequest(random));
    const alone = [];
    for (const given of requests) alone.push(await streamed(given));
    faults.fail('_OrtRun', random.integer(0, 40), random.integer(1, 3));
    const together = await Promise.allSettled(
      requests.flatMap((given) => [collected(given), streamed(given)]),
    );
    faults.stop();
    for (const [i, outcome] of together.entries()) {
      if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(OrtError);
      else expect(outcome.value).toEqual(alone[Math.floor(i / 2)]);
    }
    expect(engine.status).toMatchObject(IDLE);
  }
});
