/**
 * @module Random requests of every kind in every contract, and of what generates nothing. Sampling has a seed, so answers
 * are deterministic.
 */
import type { Draw } from './draw.ts';

export interface LoadRequest {
  readonly path: string;
  readonly body: object;
  readonly streams: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

const SENTENCES = [
  'Once upon a time, in a small house near the woods, there lived a girl named Lucy and her old dog Max.',
  'Every morning they went out to the garden to see if the red flowers had grown, and to say hello to the birds.',
  'One day it rained so much that the little river came up to the door, and Lucy could not go out to play.',
  '“Do not be sad,” said her mom. “We can bake a cake, and you may put all the berries on the top.”',
  'So they took flour, eggs and milk, and Max sat under the table and waited for something to fall down.',
  'When the cake was in the oven the sun came out again, and they saw a rainbow over the hill.',
  'Lucy ran to the window, and what she saw there made her laugh: a duck was swimming in their garden!',
];
const SHORT_PROMPTS = [
  'Once upon a time',
  'The dog',
  'Lily and Ben went to the park.',
  '“Hello!” said',
  'Tom had a big red',
];
const ENDINGS = ['', ' Then', ' Max was', ' Lucy said: “', ' Her mom'];

/**
 * A short prompt, or a long one that shares a prefix with the other long ones. The longest is computed in
 * several chunks.
 */
function drawPrompt(draw: Draw): string {
  if (draw.chance(0.4)) return draw.pick(SHORT_PROMPTS);
  return SENTENCES.slice(0, draw.integer(1, SENTENCES.length)).join(' ') + draw.pick(ENDINGS);
}

/** Every kind of search, with the field names that all contracts share. */
const SEARCHES: readonly ((draw: Draw) => Fields)[] = [
  () => ({ do_sample: false }),
  (draw) => ({
    do_sample: true,
    seed: draw.integer(1, 1000),
    temperature: draw.pick([0.7, 1, 1.3]),
    ...draw.pick<Fields>([
      {},
      { top_k: 40 },
      { top_p: 0.9 },
      { typical_p: 0.9 },
      { min_p: 0.05 },
      { xtc_probability: 0.5 },
    ]),
  }),
  (draw) => ({
    num_beams: draw.integer(2, 4),
    length_penalty: draw.pick([0.5, 1, 2]),
    early_stopping: draw.pick([false, true, 'never']),
  }),
  (draw) => ({
    ...draw.pick([
      { num_beams: 4, num_beam_groups: 2 },
      { num_beams: 3, num_beam_groups: 3 },
    ]),
    diversity_penalty: draw.pick([0.5, 2]),
  }),
  (draw) => ({
    do_sample: true,
    num_beams: draw.integer(2, 3),
    seed: draw.integer(1, 1000),
    temperature: draw.pick([0.8, 1.2]),
  }),
];

const PROCESSORS: readonly Fields[] = [
  {},
  {},
  { repetition_penalty: 1.3 },
  { no_repeat_ngram_size: 2 },
  { frequency_penalty: 0.8 },
  { presence_penalty: 0.5, repetition_penalty: 1.1 },
  { bad_words_ids: [[11], [392, 478]] },
  { sequence_bias: [[[258], 1.5]], renormalize_logits: true },
  { suppress_tokens: [13, 258], min_new_tokens: 6 },
  { exponential_decay_length_penalty: [4, 1.2] },
  { stop_token_ids: [13, 392] },
  { ignore_eos: true },
  { dry_multiplier: 0.8, dry_allowed_length: 1 },
  { guidance_scale: 1.5, negative_prompt: 'The sad old dog' },
];
/** Forms that a text can go on in whatever the options forbid, and end in almost anywhere. */
const FORMS = ['[A-Za-z ,.!]*', '(?: [a-z]+)+[.!]?[^]*', '[^"]*'];
/** Text Generation Inference's contract has no `presence_penalty`. */
const TGI_PROCESSORS = PROCESSORS.filter((fields) => !('presence_penalty' in fields));
const STOPS: readonly (readonly string[])[] = [
  ['.'],
  [' was a', 'girl'],
  [' the '],
  ['\n', '!'],
  ['never said'],
];

/** A number of sequences that the search supports: 1 for greedy search. */
function drawSequenceCount(draw: Draw, { do_sample, num_beams }: Fields): number {
  if (do_sample === false) return 1;
  return draw.pick([1, 2, typeof num_beams === 'number' ? num_beams : 3]);
}

/** OpenAI's contract also allows several prompts, and token ids. */
function openAi(draw: Draw, search: Fields, stream: boolean): LoadRequest {
  const beams = search.num_beams !== undefined;
  const n = draw.chance(0.5) ? drawSequenceCount(draw, search) : 1;
  const tokens = Array.from({ length: draw.integer(1, 70) }, () => draw.integer(200, 2000));
  const kind = draw.integer(1, 10);
  const prompt = kind === 1 ? tokens : kind === 2 ? [drawPrompt(draw), drawPrompt(draw)] : drawPrompt(draw);
  const outputs = stream
    ? draw.pick<Fields>([
        {},
        { stream_options: { include_usage: true, include_beams: beams } },
        { details: true },
        { logprobs: 2 },
      ])
    : draw.pick<Fields>([
        {},
        { logprobs: 3 },
        { echo: true, logprobs: 1 },
        { echo: true },
        search.do_sample && !beams && n > 1 ? { best_of: n + 1 } : {},
      ]);
  return {
    path: '/v1/completions',
    streams: stream,
    body: {
      prompt,
      max_tokens: draw.integer(6, 18),
      ...(draw.chance(0.1) && { cache_prompt: false }),
      ...search,
      ...draw.pick(PROCESSORS),
      ...(draw.chance(0.15) && { token_healing: true }),
      ...(n > 1 && { n }),
      ...(draw.chance(0.4) && { stop: draw.pick(STOPS) }),
      ...(draw.chance(0.1) && { include_stop_str_in_output: true }),
      ...(draw.chance(0.2) && { structured_outputs: { regex: draw.pick(FORMS) } }),
      ...(stream && { stream }),
      ...outputs,
    },
  };
}

function tgi(draw: Draw, search: Fields, stream: boolean): LoadRequest {
  const n = drawSequenceCount(draw, search);
  const beams = search.num_beams !== undefined;
  const outputs = stream
    ? draw.pick<Fields>([{}, { top_n_tokens: 2 }, { return_full_text: true }, { include_beams: beams }])
    : { details: true, ...draw.pick<Fields>([{}, { decoder_input_details: true }, { truncate: 20 }]) };
  const compat = draw.chance(0.3);
  const path = compat ? '/' : stream ? '/generate_stream' : '/generate';
  return {
    path,
    streams: stream,
    body: {
      inputs: drawPrompt(draw),
      ...(compat && stream && { stream }),
      parameters: {
        max_new_tokens: draw.integer(6, 18),
        ...(draw.chance(0.1) && { cache_prompt: false }),
        ...search,
        ...draw.pick(TGI_PROCESSORS),
        ...(draw.chance(0.15) && { token_healing: true }),
        ...(!stream && n > 1 && { num_return_sequences: n }),
        ...(draw.chance(0.4) && { stop: draw.pick(STOPS) }),
        ...(draw.chance(0.2) && { grammar: { type: 'regex', value: draw.pick(FORMS) } }),
        ...outputs,
      },
    },
  };
}

function workersAi(draw: Draw, search: Fields, stream: boolean): LoadRequest {
  const n = drawSequenceCount(draw, search);
  const beams = search.num_beams !== undefined;
  const text = drawPrompt(draw);
  return {
    path: '/ai/run/@cf/openai/default',
    streams: stream,
    body: {
      ...(draw.chance(0.3) ? { messages: [{ role: 'user', content: text }] } : { prompt: text }),
      max_tokens: draw.integer(6, 18),
      ...(draw.chance(0.1) && { cache_prompt: false }),
      ...search,
      ...draw.pick(PROCESSORS),
      ...(stream
        ? { stream, ...(beams && { include_beams: draw.chance(0.5) }) }
        : { num_return_sequences: n }),
    },
  };
}

const CONTRACTS = [openAi, tgi, workersAi];

/** What scores texts, and what searches the embedded model's list. */
const SCORES: readonly ((draw: Draw) => LoadRequest)[] = [
  (draw) => ({
    path: '/v1/score',
    streams: false,
    body: {
      prompt: drawPrompt(draw),
      choices: draw.shuffled([...SENTENCES, ...SHORT_PROMPTS]).slice(0, 5),
      normalization: draw.pick(['none', 'byte', 'pmi']),
      tokens: draw.chance(0.5),
    },
  }),
  (draw) => {
    const stream = draw.chance(0.5);
    const text = draw.shuffled(SENTENCES).join(' ');
    const stride = draw.integer(8, 32);
    return {
      path: '/v1/perplexity',
      streams: stream,
      body: { text, window: 32, stride, stream, tokens: true },
    };
  },
  (draw) => ({
    path: '/v1/suggest',
    streams: false,
    body: {
      text: draw.pick(['', 'The Sle', 'Lily and the Ma', 'Tom']),
      catalogue: 'titles',
      n: draw.integer(1, 8),
    },
  }),
  (draw) => ({
    path: '/v1/suggest',
    streams: false,
    body: { text: draw.pick(['Once upon a ti', 'The dog wan', '']), n: 4, num_beams: draw.integer(4, 12) },
  }),
  (draw) => {
    const stream = draw.chance(0.5);
    const prompt = drawPrompt(draw);
    const n = draw.integer(1, 5);
    return {
      path: '/v1/completions',
      streams: stream,
      body: { prompt, catalogue: 'titles', num_beams: 12, n, stream },
    };
  },
];

/**
 * Distinct requests. Any thirty generations in a row have every kind of search in every contract, whole and streamed;
 * beside every sixth of them is one of {@link SCORES}.
 */
export function drawRequests(draw: Draw, count: number): LoadRequest[] {
  const requests = new Map<string, LoadRequest>();
  const add = (request: LoadRequest) => requests.set(JSON.stringify(request), request);
  for (let i = 0; requests.size < count; i++) {
    const search = SEARCHES[i % SEARCHES.length] as (typeof SEARCHES)[number];
    const contract = CONTRACTS[i % CONTRACTS.length] as (typeof CONTRACTS)[number];
    add(contract(draw, search(draw), i % 2 === 1));
    if (i % 6 === 5) add(draw.pick(SCORES)(draw));
  }
  return [...requests.values()].slice(0, count);
}
