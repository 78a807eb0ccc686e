/** @module The choices of a complete answer, each written when it is sent. */
import type { ModelLogprobs } from '../../../decoding/interface/events.ts';
import { type JsonStream, jsonArray, jsonObject, jsonSmall } from '../../http/json-stream.ts';
import type { CollectedAnswer, CollectedChoice } from '../../serving/collected.ts';
import type { GenerationRequest, Prompt } from '../../serving/request.ts';
import type { TokenLog } from '../../serving/token-log.ts';
import { stopOrLengthOf } from '../stop-or-length.ts';
import type { ReportFields } from './choices.ts';
import type { LogprobEntries, TextOffsets } from './logprobs.ts';
import { promptLogprobs } from './prompt-logprobs.ts';

export function wholeChoices(
  answer: CollectedAnswer,
  { prompts }: GenerationRequest,
  report: ReportFields,
  entries: LogprobEntries,
): JsonStream {
  return jsonArray(
    answer.choices().map((choice) => {
      const prompt = prompts[choice.prompt] as Prompt;
      return jsonObject({
        text: (report.echo ? prompt.text : '') + choice.text(),
        index: choice.index,
        logprobs:
          report.logprobs === undefined
            ? null
            : logprobsOf(choice, prompt, entries, { echo: report.echo, top: report.logprobs }),
        finish_reason: stopOrLengthOf(choice.reason),
        prompt_logprobs: promptLogprobs(choice.promptLog, report.prompt_logprobs, entries),
        sequences_score: choice.score ?? undefined,
        catalogue_id: choice.entry?.id,
      });
    }),
  );
}

/** One list after the other, so each goes through the tokens again. */
function logprobsOf(
  choice: CollectedChoice,
  prompt: Prompt,
  entries: LogprobEntries,
  { echo, top: count }: { readonly echo: boolean; readonly top: number },
): JsonStream {
  const { log } = choice;
  const promptLog = echo ? choice.promptLog : null;
  const logs = promptLog ? [promptLog, log] : [log];
  const top = (token: number, model: ModelLogprobs | null) => {
    const byName = entries.top(token, model);
    return byName && jsonSmall(byName);
  };
  return jsonObject({
    tokens: jsonArray(each(logs, (log, i) => entries.name(log.tokenAt(i)))),
    token_logprobs: jsonArray(each(logs, (log, i) => log.logprobAt(i))),
    top_logprobs: jsonArray(each(logs, (log, i) => top(log.tokenAt(i), log.at(i, count)))),
    text_offset: jsonArray(
      offsets(echo ? entries.offsets(prompt) : entries.offsetsAfter(prompt), promptLog, log),
    ),
  });
}

// Not within `logprobsOf`: each creation of a generator function adds a prototype to V8's old objects.

function* each<T>(logs: readonly TokenLog[], entry: (log: TokenLog, index: number) => T): Generator<T> {
  for (const log of logs) for (let i = 0; i < log.length; i++) yield entry(log, i);
}

function* offsets(position: TextOffsets, promptLog: TokenLog | null, log: TokenLog): Generator<number> {
  for (const token of promptLog?.tokens ?? []) yield position.next(token);
  if (promptLog) position.endPrompt();
  for (const token of log.tokens) yield position.next(token);
}
