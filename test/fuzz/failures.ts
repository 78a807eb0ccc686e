/** @module Failures by kind: the first of each is shrunk to a small request, and printed as a curl command. */
import type { FuzzRequest } from './requests.ts';

export interface Failure {
  /** The number of the request. */
  readonly index: number;
  readonly request: FuzzRequest;
  readonly fault: string;
}

const MAX_ATTEMPTS = 80;
/** Of a body in a report, in characters. */
const MAX_SHOWN = 2000;

/** The first failure of each kind, and the number of all. */
export class Failures {
  readonly #kinds = new Map<string, { first: Failure; count: number }>();

  /** @returns whether it is the first of its kind */
  add(failure: Failure): boolean {
    const kind = kindOf(failure);
    const known = this.#kinds.get(kind);
    if (known) known.count++;
    else this.#kinds.set(kind, { first: failure, count: 1 });
    return known === undefined;
  }

  get count(): number {
    return this.kinds.reduce((sum, { count }) => sum + count, 0);
  }

  get kinds(): readonly { readonly first: Failure; readonly count: number }[] {
    return [...this.#kinds.values()];
  }
}

/** Two failures are of one kind if their faults differ in numbers and quoted values only. */
export function kindOf({ request, fault }: Pick<Failure, 'request' | 'fault'>): string {
  const [path = ''] = request.path.split('?');
  const lines = fault.split('\n').filter((line) => !/^[[{]/.test(line));
  const message = lines.join(' ').replace(/"[^"]*"|'[^']*'|-?\d+(\.\d+)?(e[-+]?\d+)?/g, '#');
  return `${path} ${message.slice(0, 200)}`;
}

/**
 * Leaves out fields, elements and halves of strings while the failure stays of its kind.
 * @param reproduce sends a request. @returns its fault, or null
 */
export async function shrink(
  failure: Failure,
  reproduce: (request: FuzzRequest) => Promise<string | null>,
): Promise<FuzzRequest> {
  const kind = kindOf(failure);
  let { request } = failure;
  if (typeof request.body !== 'string') return request;
  let body: unknown;
  try {
    body = JSON.parse(request.body);
  } catch {
    return request;
  }
  let attempts = 0;
  let isSmaller = true;
  while (isSmaller && attempts < MAX_ATTEMPTS) {
    isSmaller = false;
    for (const candidate of smaller(body)) {
      if (++attempts > MAX_ATTEMPTS) break;
      const shrunk = { ...request, body: JSON.stringify(candidate) };
      const fault = await reproduce(shrunk);
      if (fault === null || kindOf({ request, fault }) !== kind) continue;
      [body, request, isSmaller] = [candidate, shrunk, true];
      break;
    }
  }
  return request;
}

/** The value with one thing less, the largest things first. */
function* smaller(value: unknown): Generator<unknown> {
  if (typeof value === 'string' && value.length > 1) yield value.slice(0, value.length / 2);
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) yield value.toSpliced(i, 1);
    for (const [i, element] of value.entries())
      for (const less of smaller(element)) yield value.with(i, less);
  } else if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value);
    for (const [name] of entries) yield Object.fromEntries(entries.filter(([other]) => other !== name));
    for (const [name, field] of entries) for (const less of smaller(field)) yield { ...value, [name]: less };
  }
}

/** A shell command that sends the request. */
export function curl(url: string, { method, path, headers, body, disconnect }: FuzzRequest): string {
  const options = [
    `-X ${method}`,
    ...Object.entries(headers).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
    ...(disconnect ? [`# the client leaves after ${disconnect.count} ${disconnect.after}`] : []),
  ];
  const target = quoted(url + path);
  if (body === null) return `curl -N ${target} ${options.join(' ')}`;
  // A shell's argument cannot have a null byte or bytes that are not UTF-8.
  if (typeof body === 'string' && !body.includes('\0'))
    return `curl -N ${target} --data-binary ${quoted(shown(body))} ${options.join(' ')}`;
  const base64 = Buffer.from(body).toString('base64');
  return `echo ${shown(base64)} | base64 -d | curl -N ${target} --data-binary @- ${options.join(' ')}`;
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

const shown = (text: string): string =>
  text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}… (${text.length} characters)`;
