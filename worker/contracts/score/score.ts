/** @module `POST /v1/score`. */
import type { Context } from 'hono';
import type { AppEnv } from '../../http/env.ts';
import { parsedBody } from '../../http/json-body.ts';
import { type JsonStream, jsonArray, jsonObject } from '../../http/json-stream.ts';
import { sendJson } from '../../http/send-json.ts';
import { runAdmitted } from '../../serving/respond.ts';
import type { ScoreRequest } from '../../serving/scoring/request.ts';
import { type ScoreAnswer, type ScoredChoice, score } from '../../serving/scoring/score.ts';
import { servedModel } from '../../serving/served-model.ts';
import { LogprobEntries } from '../openai/logprobs.ts';
import { requestedAdapter } from '../openai/models.ts';
import { headOf } from '../openai/stream.ts';
import { scoringRefusals } from './refusals.ts';
import { type ScoreBody, scoreSchema } from './schema.ts';
import { tokenOf } from './tokens.ts';

const REFUSALS = scoringRefusals(
  'the prompt and the longest choice',
  'choices',
  'send a shorter prompt, or fewer or shorter choices',
);

export async function scoreChoices(c: Context<AppEnv>): Promise<Response> {
  const body = await parsedBody(c, scoreSchema);
  const model = await servedModel(c);
  const { manifest } = model.engine;
  const adapter = requestedAdapter(manifest, body);
  const record = c.get('record');
  record.choices = body.choices.length;
  if (body.user) record.user = body.user;
  const request = { ...scoreRequestOf(body), adapter };
  const { answer, held } = await runAdmitted(
    c,
    model,
    request,
    (options) => score(model, request, options),
    REFUSALS,
  );
  record.usage = answer.usage;
  const { signal } = c.req.raw;
  if (signal.aborted) {
    // Nobody will read or cancel the answer.
    held.close();
    throw signal.reason;
  }
  const entries = new LogprobEntries(model.tokenizer, false);
  return sendJson(
    c,
    scoreJson(adapter?.name ?? manifest.name, answer, body.tokens ? entries : undefined),
    held,
  );
}

/** The request of a validated body. */
export function scoreRequestOf(body: ScoreBody): ScoreRequest {
  const { prompt, choices, normalization, tokens } = body;
  return {
    prompt,
    choices,
    normalization,
    tokens,
    addBosToken: body.add_bos_token,
    splitSpecialTokens: body.split_special_tokens,
    cachePrompt: body.cache_prompt,
    cacheSalt: body.cache_salt,
  };
}

/** The body of an answer. @param entries names tokens, if each is reported */
export function scoreJson(
  model: string,
  answer: ScoreAnswer,
  entries: LogprobEntries | undefined,
): JsonStream {
  return jsonObject({
    ...headOf('score', 'score', model),
    choices: jsonArray(answer.choices().map((choice) => choiceJson(choice, entries))),
    usage: answer.usage,
  });
}

function choiceJson(choice: ScoredChoice, entries: LogprobEntries | undefined): JsonStream {
  const { logprob, tokenCount, byteCount, unconditionalLogprob } = choice;
  return jsonObject({
    index: choice.index,
    score: choice.score,
    rank: choice.rank,
    probability: choice.probability,
    logprob,
    logprob_per_token: logprob / tokenCount,
    logprob_per_byte: byteCount > 0 ? logprob / byteCount : null,
    unconditional_logprob: unconditionalLogprob ?? undefined,
    token_count: tokenCount,
    byte_count: byteCount,
    is_greedy: choice.isGreedy,
    tokens: entries && jsonArray(Iterator.from(choice.tokens()).map((token) => tokenOf(entries, token))),
  });
}
