/** @module Reference answers of an otherwise idle server, and comparison with answers under load. */
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import { type Answer, expectedAnswer } from './load-client.ts';
import type { LoadRequest } from './load-requests.ts';
import type { LoadServer } from './load-server.ts';

/** An answer under load that differs from its reference. */
export interface Mismatch {
  readonly request: LoadRequest;
  readonly expected: Answer;
  readonly actual: Answer;
}

/** A server that fails returns hundreds of mismatches; a report shows only the first. */
const MAX_REPORTED = 3;

export class ReferenceAnswers {
  readonly #answers = new Map<string, Answer>();

  /** Sends the requests sequentially to an idle server, each with an empty prefix cache. */
  async record(server: LoadServer, requests: readonly LoadRequest[]): Promise<void> {
    for (const request of requests) {
      await server.resetPrefixCache();
      const answer = await server.send(request);
      expect(answer, JSON.stringify(request)).toMatchObject({ status: 200, failure: null });
      this.#answers.set(JSON.stringify(request), answer);
    }
    await server.waitUntilIdle();
  }

  /** Compares an answer with its reference; that of a disconnected client, only as far as it was received. */
  compare(request: LoadRequest, actual: Answer): Mismatch | null {
    const reference = this.#answers.get(JSON.stringify(request));
    if (!reference) throw new Error('the request has no reference answer');
    const expected = expectedAnswer(reference, actual);
    return isDeepStrictEqual(actual, expected) ? null : { request, expected, actual };
  }
}

/** The number of mismatches, and the first of them. */
export function reportMismatches(comparisons: readonly (Mismatch | null)[]): {
  count: number;
  first: readonly Mismatch[];
} {
  const mismatches = comparisons.filter((mismatch) => mismatch !== null);
  return { count: mismatches.length, first: mismatches.slice(0, MAX_REPORTED) };
}

export const NO_MISMATCHES = { count: 0, first: [] };
