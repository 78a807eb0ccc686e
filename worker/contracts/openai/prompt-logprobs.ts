/** @module vLLM's `prompt_logprobs`: of each token of a prompt, by token id. */
import { type JsonStream, jsonArray, jsonObject } from '../../http/json-stream.ts';
import type { TokenLog } from '../../serving/token-log.ts';
import type { LogprobEntries } from './logprobs.ts';

/**
 * A list with an object for each token, null for the first, which has no context. The token itself comes first, then
 * the likeliest ones.
 * @param top number of likeliest tokens; undefined if the request does not ask for them
 */
export function promptLogprobs(
  log: TokenLog | null,
  top: number | undefined,
  entries: LogprobEntries,
): JsonStream | undefined {
  return log && top !== undefined ? jsonArray(places(log, top, entries)) : undefined;
}

function* places(log: TokenLog, top: number, entries: LogprobEntries): Generator<JsonStream | null> {
  for (let i = 0; i < log.length; i++) {
    const entry = log.at(i, top);
    if (!entry) {
      yield null;
      continue;
    }
    const token = log.tokenAt(i);
    const place = new Map([[String(token), placeOf(token, entry.logprob, entry.rank)]]);
    for (const [j, { token: id, logprob }] of entry.top.entries()) {
      // Of equally likely tokens, the list may have others than those that come before the token.
      if (id !== token) place.set(String(id), placeOf(id, logprob, j + 1));
    }
    yield jsonObject(place);
  }

  function placeOf(token: number, logprob: number, rank: number | undefined) {
    return { logprob, rank, decoded_token: entries.text(token) };
  }
}
