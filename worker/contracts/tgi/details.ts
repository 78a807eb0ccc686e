/** @module The `details` of a complete answer, each list written when it is sent. */
import { type JsonStream, jsonArray, jsonObject } from '../../http/json-stream.ts';
import type { CollectedAnswer, CollectedChoice, TextToken } from '../../serving/collected.ts';
import { finishReason, type ReportedSeed, type TgiTokens } from './tokens.ts';

interface DetailsFormat {
  readonly tokens: TgiTokens;
  readonly seed: ReportedSeed;
  /** Whether `top_n_tokens` asks for the likeliest tokens. */
  readonly hasTop: boolean;
  text(choice: CollectedChoice): string;
}

/** Of the first text; the others are in its `best_of_sequences`. */
export function wholeDetails(answer: CollectedAnswer, format: DetailsFormat): JsonStream {
  const [first, second] = answer.choices();
  if (!first) throw new Error('there is no text');
  const others = answer
    .choices()
    .drop(1)
    .map((choice) => jsonObject({ generated_text: format.text(choice), ...detailsOf(choice, format) }));
  return jsonObject({
    ...detailsOf(first, format),
    context_resets: answer.usage.context_resets,
    best_of_sequences: second ? jsonArray(others) : undefined,
  });
}

function detailsOf(choice: CollectedChoice, { tokens, seed, hasTop }: DetailsFormat) {
  const { log, promptLog, reason, score, entry } = choice;
  const list = <T>(entry: (token: TextToken) => T) => jsonArray(Iterator.from(choice.tokens()).map(entry));
  return {
    finish_reason: finishReason(reason),
    generated_tokens: log.length,
    seed,
    prefill: promptLog ? jsonArray(tokens.prefill(promptLog)) : [],
    tokens: list(({ token, model, text }) => tokens.generated({ token, model }, text)),
    sequences_score: score ?? undefined,
    catalogue_id: entry?.id,
    top_tokens: hasTop ? list(({ model }) => tokens.top(model)) : undefined,
  };
}
