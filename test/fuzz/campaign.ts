/** @module Sends many random requests at the same time, and judges each answer. */
import { setTimeout } from 'node:timers/promises';
import type { OpenApiDocument } from '../../worker/openapi/types.ts';
import { type FuzzAnswer, send } from './client.ts';
import { type Failure, Failures, shrink } from './failures.ts';
import { difference, Judge } from './judge.ts';
import { type Focus, type FuzzRequest, RequestSource } from './requests.ts';

export interface CampaignOptions {
  readonly url: string;
  readonly seed: number;
  readonly requests: number;
  /** Ends the campaign earlier. */
  readonly minutes?: number;
  /** The number of the first request. */
  readonly from?: number;
  readonly concurrency?: number;
  readonly focus?: Focus;
  /** Called after every {@link PROGRESS_REQUESTS} requests, and at the end, with the number of those sent. */
  readonly onProgress?: (sent: number) => Promise<void> | void;
  /** Called for the first failure of each kind. */
  readonly onNewKind?: (failure: Failure) => void;
}

export interface CampaignResult {
  readonly sent: number;
  /** Numbers of answers by route and status. */
  readonly counts: ReadonlyMap<string, ReadonlyMap<string, number>>;
  readonly failures: Failures;
  /** The server's health if requests still hold something of it after the last answer, or else null. */
  readonly held: string | null;
}

const PROGRESS_REQUESTS = 500;
const CONCURRENCY = 8;
/** The campaign ends after this many requests in a row without an answer: the server has gone. */
const MAX_UNANSWERED = 50;
/** Unstreamed requests whose client has gone run to their end. */
const IDLE_MILLISECONDS = 60_000;
const IDLE = ['"requests":0', '"waitingRequests":0', '"waitingRows":0', '"reserved":0', '"taken":0'];
const ADAPTER_IN_USE = /"uses":[1-9]/;
const MAX_SHRUNK = 12;

export async function runCampaign(options: CampaignOptions): Promise<CampaignResult> {
  const {
    url,
    seed,
    requests,
    minutes,
    from = 0,
    concurrency = CONCURRENCY,
    focus,
    onProgress,
    onNewKind,
  } = options;
  const document = (await (await fetch(`${url}/openapi.json`)).json()) as OpenApiDocument;
  const source = new RequestSource(document, seed, focus);
  const judge = new Judge(document);
  const failures = new Failures();
  const counts = new Map<string, Map<string, number>>();
  const deadline = minutes === undefined ? Number.POSITIVE_INFINITY : Date.now() + minutes * 60_000;
  let next = from;
  let unanswered = 0;

  const record = (index: number, request: FuzzRequest, answer: FuzzAnswer, fault: string | null): void => {
    const route = routeOf(document, request);
    const byStatus = counts.get(route) ?? new Map<string, number>();
    const status = answer.status === null ? (answer.disconnected ? 'left' : 'none') : String(answer.status);
    counts.set(route, byStatus.set(status, (byStatus.get(status) ?? 0) + 1));
    unanswered = answer.failure === null ? 0 : unanswered + 1;
    if (fault === null) return;
    const failure = { index, request, fault };
    if (failures.add(failure)) onNewKind?.(failure);
  };

  const work = async (): Promise<void> => {
    while (next < from + requests && Date.now() < deadline && unanswered < MAX_UNANSWERED) {
      const index = next++;
      const request = source.request(index);
      for await (const { answer, fault } of judged(url, request, judge)) {
        record(index, request, answer, fault);
      }
      if ((index + 1) % PROGRESS_REQUESTS === 0) await onProgress?.(next - from);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  await onProgress?.(next - from);
  return { sent: next - from, counts, failures, held: await heldBy(url) };
}

/** The first failures of each kind, each with a small request that reproduces it if one does alone. */
export async function smallest({ failures }: CampaignResult, url: string): Promise<FuzzRequest[]> {
  const response = await fetch(`${url}/openapi.json`);
  const judge = new Judge((await response.json()) as OpenApiDocument);
  const reproduce = async (request: FuzzRequest) => {
    for await (const { fault } of judged(url, request, judge)) if (fault !== null) return fault;
    return null;
  };
  const small: FuzzRequest[] = [];
  for (const { first } of failures.kinds.slice(0, MAX_SHRUNK)) small.push(await shrink(first, reproduce));
  return small;
}

interface JudgedAnswer {
  readonly answer: FuzzAnswer;
  /** What is wrong with the answer, or null. */
  readonly fault: string | null;
}

/** Sends a request, and once more if its answer must be the same each time. */
async function* judged(url: string, request: FuzzRequest, judge: Judge): AsyncGenerator<JudgedAnswer> {
  const answer = await send(url, request);
  yield { answer, fault: judge.fault(request, answer) };
  if (!request.twice || answer.failure !== null) return;
  const again = await send(url, request);
  yield { answer: again, fault: judge.fault(request, again) ?? difference(request, answer, again) };
}

/** Method and path template. All paths of no route are one. */
function routeOf(document: OpenApiDocument, { method, path }: FuzzRequest): string {
  const [pathname = ''] = path.split('?');
  const isRoute = (template: string) =>
    template === pathname ||
    (template.includes('{') && pathname.startsWith(template.replace(/\{.*/, '')) && !pathname.endsWith('/'));
  return `${method} ${Object.keys(document.paths).find(isRoute) ?? 'no route'}`;
}

/** Waits until the server holds nothing. @returns its last health otherwise */
async function heldBy(url: string): Promise<string | null> {
  const deadline = Date.now() + IDLE_MILLISECONDS;
  for (;;) {
    const signal = AbortSignal.timeout(IDLE_MILLISECONDS);
    const health = await fetch(`${url}/health`, { signal }).then(
      (response) => response.text(),
      (error: unknown) => String(error),
    );
    if (IDLE.every((part) => health.includes(part)) && !ADAPTER_IN_USE.test(health)) return null;
    if (Date.now() > deadline) return health;
    await setTimeout(200);
  }
}
