/** @module Random requests to every route of the OpenAPI document: valid ones, and ones with anything wrong. */
import { gzipSync } from 'node:zlib';
import type { JsonSchema, OpenApiDocument } from '../../worker/openapi/types.ts';
import { Draw } from '../support/draw.ts';
import type { Disconnect } from '../support/load-client.ts';
import { drawRequests, type LoadRequest } from '../support/load-requests.ts';
import { generate } from './generate.ts';
import { mutate, mutateText } from './mutate.ts';
import { oddString } from './values.ts';

export interface FuzzRequest {
  readonly method: string;
  /** With its query, if any. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array<ArrayBuffer> | null;
  /** When the client disconnects, if it does. */
  readonly disconnect?: Disconnect;
  /** Whether it is sent a second time, to compare the answers. */
  readonly twice: boolean;
}

interface Route {
  readonly method: 'get' | 'post';
  readonly template: string;
  readonly schema?: JsonSchema;
  readonly example?: object;
}

type Fields = Record<string, unknown>;

const JSON_TYPE = { 'content-type': 'application/json' };
const WRONG_TYPES = [
  'text/plain',
  'application/jsonp',
  'application/x-www-form-urlencoded',
  'multipart/form-data',
  '',
];
const METHODS = ['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD', 'POST'];
const QUERIES = [
  '?stream=true',
  '?stream=null',
  '?prompt=1234',
  '?max_tokens=2',
  '?a=%00',
  '?',
  '?stream=x&stream=y',
];
const LOST_PATHS = [
  '/nope',
  '/v1',
  '/v1/embeddings',
  '/manifest.json',
  '/v1/completions/',
  '//',
  '/%00',
  '/ai/run/',
];
/** Names of no model; the last two stand for the deployed one. */
const MODEL_NAMES = ['nope', '@cf/meta/llama-3', '%00', 'x default', '@cf/openai/default', 'default'];
/** Routes that generate nothing: no field of theirs is a number of texts or tokens. */
const WITHOUT_TEXTS: ReadonlySet<string> = new Set(['/tokenize', '/v1/score', '/v1/perplexity']);
/** Routes whose answers are the same each time: they have no seed. */
export const WITHOUT_SEED: ReadonlySet<string> = new Set([...WITHOUT_TEXTS, '/v1/suggest']);
/** The deployed catalogue. */
const CATALOGUE = 'titles';
/** Fields that multiply the work, and the largest value of most requests. */
const COSTS = { max_tokens: 8, max_new_tokens: 8, n: 6, num_return_sequences: 6, best_of: 6, num_beams: 6 };
const LARGEST_COST = 1100;

/** Options that leave a search few tokens or none, and that random fields rarely bring together. */
const COMBINATIONS: readonly Fields[] = [
  { num_beams: 3, num_return_sequences: 3, allowed_token_ids: [11, 13] },
  {
    num_beams: 4,
    num_return_sequences: 4,
    num_beam_groups: 2,
    diversity_penalty: 1,
    allowed_token_ids: [11],
  },
  { num_beams: 4, num_return_sequences: 2, forced_eos_token_id: 0, max_tokens: 1, max_new_tokens: 1 },
  { num_beams: 3, do_sample: true, seed: 1, top_k: 1 },
  { num_beams: 2, do_sample: true, seed: 1, top_h: 0.01 },
  { num_beams: 2, length_penalty: -400, early_stopping: true },
  { num_beams: 2, sequence_bias: [[[11], 1e39]] },
  { use_beam_search: true, seed: 1 },
  { do_sample: true, temperature: 1e-40, seed: 1 },
  { seed: 2 ** 53 - 1, do_sample: true, top_k: 5 },
  { logit_bias: { 8191: 100 }, logprobs: 5 },
  { suppress_tokens: [11, 13], allowed_token_ids: [11, 13] },
  { bad_words_ids: [[11], [13, 11]], no_repeat_ngram_size: 1 },
  { min_new_tokens: 5, stop_token_ids: [11], ignore_eos: true },
  { stop: ['\ufffd'], allowed_token_ids: [171] },
  { echo: true, logprobs: 2, max_tokens: 0 },
  { catalogue: 'titles', num_beams: 6, n: 3 },
  { catalogue: 'titles', num_beams: 2, catalogue_weight: 3, echo: true, logprobs: 0, stream: true },
  { catalogue: 'titles', do_sample: true, regex: 'a' },
  { catalogue: 'nope', num_return_sequences: 2 },
  { catalogue: 'titles', catalogue_prefix: 'The', n: 3, num_beams: 3, num_return_sequences: 3 },
  { guided_choice: ['a', 'b c', 'dog'], num_beams: 3, n: 2 },
  { guided_choice: ['cat', 'the cat'], suppress_tokens: [11], logprobs: 2, stop: ['a'] },
  { regex: '[ab]{0,3}', n: 3, seed: 1, min_tokens: 2 },
  { ebnf: 'root ::= "(" root? ")"', num_beams: 4, num_beam_groups: 2, diversity_penalty: 1 },
  { dry_multiplier: 0.8, dry_base: 2, dry_sequence_breakers: ['\ud83d', 'a', '<|endoftext|>'], seed: 1 },
  { dry_multiplier: 1e6, dry_base: 1e6, dry_allowed_length: 0, dry_penalty_last_n: 3, num_beams: 3, n: 2 },
  { xtc_probability: 1, xtc_threshold: 0, do_sample: true, seed: 1, temperature: 2 },
  { xtc_probability: 0.5, num_beams: 3, do_sample: true, seed: 1, top_k: 4 },
  { guidance_scale: 1.5, negative_prompt: 'a', num_beams: 3, n: 2, logprobs: 1 },
  {
    guidance_scale: -100,
    negative_prompt_ids: [11, 13],
    do_sample: true,
    seed: 1,
    guided_choice: ['a', 'b'],
  },
  { token_healing: true, num_beams: 3, n: 2, logprobs: 1 },
  { token_healing: true, guided_choice: ['a', 'b c'], stop: ['b'], n: 2, seed: 1 },
  { grammar: { type: 'regex', value: 'a|b?c' }, num_beams: 2, allow_incomplete: true },
  { lora_path: 'red', num_beams: 2 },
  { adapter_id: 'green', do_sample: true, seed: 1 },
  { lora: 'blue' },
  { response_format: { type: 'json_object' }, allow_incomplete: true, seed: 1 },
  { response_format: { type: 'json_schema', json_schema: { schema: { enum: [1, 'a', null] } } } },
  { truncation: 'auto', prompt: 'The dog ran. '.repeat(300), n_keep: 3 },
  { truncation: 'auto', prompt: 'A cat sat on it. '.repeat(100), n_discard: 1, num_beams: 3 },
  { truncation: 'auto', prompt: 'a b '.repeat(400), n_keep: 500, n: 2, seed: 1 },
  { truncation: 'auto', n_keep: -1, n_discard: 500 },
];

/** What half of the requests ask for, beside what is drawn. */
export interface Focus {
  /** Adapters of the server, which they name. */
  readonly adapters?: readonly string[] | undefined;
  /** Whether their texts are longer than the context. */
  readonly isLong?: boolean | undefined;
}

/** Of some 900, 500 and 800 tokens. */
const LONG_TEXTS = ['The dog ran. '.repeat(300), 'A cat sat on it. '.repeat(100), 'a b '.repeat(400)];
const WINDOWS: readonly Fields[] = [
  {},
  { n_keep: 3 },
  { n_keep: -1 },
  { n_discard: 1 },
  { n_discard: 511 },
  { n_keep: 500, n_discard: 2 },
  { n_keep: 100, n_discard: 300, num_beams: 3 },
];

export class RequestSource {
  readonly #focus: Focus;
  readonly #routes: readonly Route[];
  readonly #schemas: Readonly<Record<string, JsonSchema>>;
  readonly #seed: number;
  readonly #valid: readonly LoadRequest[];

  constructor(document: OpenApiDocument, seed: number, focus: Focus = {}) {
    this.#seed = seed;
    this.#focus = focus;
    this.#schemas = document.components.schemas;
    this.#valid = drawRequests(new Draw(seed), 300);
    this.#routes = Object.entries(document.paths).flatMap(([template, item]) =>
      (['get', 'post'] as const).flatMap((method) => {
        const operation = item[method];
        if (!operation) return [];
        const content = operation.requestBody?.content['application/json'];
        const name = content?.schema.$ref.replace('#/components/schemas/', '');
        const schema = name === undefined ? undefined : this.#schemas[name];
        return [{ method, template, ...(content && schema && { schema, example: content.example }) }];
      }),
    );
  }

  /** The request of this number; it depends on the seed and the document only. */
  request(index: number): FuzzRequest {
    const draw = new Draw(this.#seed * 2 ** 24 + index);
    const withBody = draw.chance(0.9);
    const route = draw.pick(this.#routes.filter(({ schema }) => (schema !== undefined) === withBody));
    const path = this.#path(draw, route);
    const request = route.schema ? this.#post(draw, route, path) : plain(route, path);
    return draw.chance(0.06) ? misaddressed(draw, request) : request;
  }

  #path(draw: Draw, { template }: Route): string {
    const name = draw.chance(0.9) ? 'default' : draw.pick(MODEL_NAMES);
    return template.replace(/\{\w+\}/, name);
  }

  #post(draw: Draw, route: Route, path: string): FuzzRequest {
    const twice = draw.chance(0.12);
    let body = bounded(draw, this.#focused(draw, route, this.#validBody(draw, route)), route);
    if (draw.chance(0.35)) body = bounded(draw, mutate(draw, body), route);
    if (twice && !WITHOUT_SEED.has(path)) seeded(draw, body);
    const json = JSON.stringify(body);
    const base = { method: 'POST', path, headers: JSON_TYPE, body: json, twice };
    const kind = draw.integer(1, 100);
    if (kind <= 5) return { ...base, body: mutateText(draw, json), twice: false };
    if (kind <= 7) return { ...base, headers: contentType(draw.pick(WRONG_TYPES)) };
    if (kind === 8)
      return {
        ...base,
        body: new Uint8Array(gzipSync(json)),
        headers: { ...JSON_TYPE, 'content-encoding': 'gzip' },
      };
    if (kind <= 15)
      return { ...base, disconnect: { after: 'events', count: draw.integer(1, 5) }, twice: false };
    if (kind <= 18)
      return { ...base, disconnect: { after: 'milliseconds', count: draw.integer(0, 60) }, twice: false };
    return base;
  }

  #focused(draw: Draw, { template }: Route, body: Fields): Fields {
    const { adapters = [], isLong = false } = this.#focus;
    const options = optionsOf(body);
    if (!options) return body;
    if (adapters.length > 0 && draw.chance(0.5))
      options[draw.pick(adapterFields(template))] = draw.pick(adapters);
    if (isLong && !WITHOUT_TEXTS.has(template) && draw.chance(0.5)) {
      Object.assign(options, { truncation: 'auto' }, draw.pick(WINDOWS));
      if (draw.chance(0.8)) Object.assign(body, asPrompt(body, draw.pick(LONG_TEXTS)));
    }
    return body;
  }

  /** Of the requests that the load tests send, or of the schema: the example with some of its fields. */
  #validBody(draw: Draw, { template, schema, example }: Route): Fields {
    const known = this.#valid.filter(
      ({ path }) => path.split('/')[1] === template.split('/')[1] && isSame(path, template),
    );
    if (known.length > 0 && draw.chance(0.35)) return structuredClone(draw.pick(known).body) as Fields;
    const generated = generate(draw, schema, this.#schemas) as Fields;
    const body = draw.chance(0.7) ? { ...structuredClone(example), ...generated } : generated;
    const options = optionsOf(body) ?? {};
    if (draw.chance(0.15)) Object.assign(options, structuredClone(draw.pick(COMBINATIONS)));
    if (typeof options.catalogue === 'string' && draw.chance(0.8)) options.catalogue = CATALOGUE;
    return body;
  }
}

/** A text in the field of its contract. */
function asPrompt(body: Fields, text: string): Fields {
  if ('messages' in body) return { messages: [{ role: 'user', content: text }] };
  return { ['inputs' in body ? 'inputs' : 'prompt']: text };
}

/** The fields of a route's contract that name an adapter. */
function adapterFields(template: string): readonly string[] {
  if (template.startsWith('/ai/run')) return ['lora'];
  return template.startsWith('/v1/') ? ['model', 'lora_path'] : ['adapter_id'];
}

/** Whether a path is of this template, which has its parameter at the end. */
const isSame = (path: string, template: string): boolean =>
  template.includes('{') ? path.startsWith(template.replace(/\{.*/, '')) : path === template;

const contentType = (type: string): Record<string, string> => (type === '' ? {} : { 'content-type': type });

function plain({ method, template }: Route, path: string): FuzzRequest {
  return { method: method.toUpperCase(), path, headers: {}, body: null, twice: template.startsWith('/v1/') };
}

/** The same request with another method, path or query. */
function misaddressed(draw: Draw, request: FuzzRequest): FuzzRequest {
  switch (draw.integer(1, 3)) {
    case 1: {
      const method = draw.pick(METHODS);
      const hasBody = method !== 'GET' && method !== 'HEAD';
      return { ...request, method, body: hasBody ? request.body : null, twice: false };
    }
    case 2:
      return {
        ...request,
        path: draw.pick([...LOST_PATHS, `/${encodeURIComponent(oddString(draw).toWellFormed())}`]),
      };
    default:
      return { ...request, path: request.path + draw.pick(QUERIES) };
  }
}

/** Options are in `parameters` in TGI's contract. */
export function optionsOf(body: unknown): Fields | null {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return null;
  const { parameters } = body as Fields;
  const nested = 'inputs' in body && typeof parameters === 'object' && parameters !== null;
  return nested ? (parameters as Fields) : (body as Fields);
}

/** Lowers most values that multiply the work. */
function bounded<T extends Fields>(draw: Draw, body: T, { template }: Route): T {
  if (WITHOUT_TEXTS.has(template)) return body;
  if ('inputs' in body && (body.parameters ?? null) === null && draw.chance(0.95))
    Object.assign(body, { parameters: {} });
  const options = optionsOf(body);
  // A text that may be longer than the context has no other bound.
  const isLong = options?.truncation === 'auto';
  if (!options || (!isLong && draw.chance(0.02))) return body;
  for (const [name, largest] of Object.entries(COSTS)) {
    const value = options[name];
    if (typeof value === 'number' && value > largest && (isLong || value < LARGEST_COST))
      options[name] = draw.integer(1, largest);
  }
  // Its entries are whole: most lengths are too small for them.
  if (options.catalogue === CATALOGUE && draw.chance(0.9)) {
    delete options.max_tokens;
    delete options.max_new_tokens;
    return body;
  }
  // Without it, or with null, some contracts fill the context.
  const length = 'inputs' in body ? 'max_new_tokens' : 'max_tokens';
  options[length] ??= draw.integer(1, COSTS[length]);
  return body;
}

function seeded(draw: Draw, body: Fields): void {
  const options = optionsOf(body);
  if (options) options.seed ??= draw.integer(1, 1000);
}
