/** @module What is answered to each request when nothing else is asked, to compare with. */
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import { type Answer, expectedOf } from './load-client.ts';
import type { LoadRequest } from './load-requests.ts';
import type { LoadServer } from './load-server.ts';

/** An answer that is not what it must be. */
export interface Wrong {
  readonly request: LoadRequest;
  readonly expected: Answer;
  readonly found: Answer;
}

const SHOWN = 3;

export class AloneAnswers {
  readonly #answers = new Map<string, Answer>();

  /** Asks an idle server for one after the other, with nothing kept of what was asked before. */
  async learn(server: LoadServer, requests: readonly LoadRequest[]): Promise<void> {
    for (const request of requests) {
      await server.emptyCache();
      const answer = await server.ask(request);
      expect(answer, JSON.stringify(request)).toMatchObject({ status: 200, failure: null });
      this.#answers.set(JSON.stringify(request), answer);
    }
    await server.idle();
  }

  /** @returns how an answer differs from that of the request alone; of one that was left, as far as it went */
  compare(request: LoadRequest, found: Answer): Wrong | null {
    const alone = this.#answers.get(JSON.stringify(request));
    if (!alone) throw new Error('it was never asked alone');
    const expected = expectedOf(alone, found);
    return isDeepStrictEqual(found, expected) ? null : { request, expected, found };
  }
}

/** How many are wrong, and the first of them: a server that fails, fails at hundreds. */
export function countWrong(compared: readonly (Wrong | null)[]): { wrong: number; first: readonly Wrong[] } {
  const wrong = compared.filter((one): one is Wrong => one !== null);
  return { wrong: wrong.length, first: wrong.slice(0, SHOWN) };
}

export const NONE_WRONG = { wrong: 0, first: [] };
