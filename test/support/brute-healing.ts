/**
 * @module Healed texts by brute force: every sequence of tokens that begins with the bytes of a prompt's rest, whatever
 * tokens they come in.
 */
import type { LookupModel } from './lookup-model.ts';

export interface HealingCase {
  readonly model: LookupModel;
  /** The bytes of each token; none for the end of text. */
  readonly tokens: readonly (readonly number[])[];
  readonly kept: readonly number[];
  /** What the text begins with. */
  readonly rest: readonly number[];
  /** Maximum number of tokens. */
  readonly length: number;
}

/** The bytes of a sequence of tokens. */
export const bytesOf = (tokens: HealingCase['tokens'], ids: readonly number[]): number[] =>
  ids.flatMap((id) => tokens[id] ?? []);

/** Whether one of two lists begins with the other. */
export function agree(a: readonly number[], b: readonly number[]): boolean {
  for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) return false;
  return true;
}

/** The tokens that may follow `ids`: those that agree with the rest and leave enough room for all of it. */
export function legal({ model, tokens, rest, length }: HealingCase, ids: readonly number[]): number[] {
  const done = bytesOf(tokens, ids);
  const all = Array.from({ length: model.vocabSize }, (_, token) => token);
  if (done.length >= rest.length) return all;
  return all.filter((token) => {
    const bytes = tokens[token] ?? [];
    if (bytes.length === 0 || !agree([...done, ...bytes], rest)) return false;
    return least(tokens, rest.slice(done.length + bytes.length)) <= length - ids.length - 1;
  });
}

/** The least number of tokens that have all of these bytes; the last may be longer. */
function least(tokens: HealingCase['tokens'], rest: readonly number[]): number {
  if (rest.length === 0) return 0;
  const counts = tokens
    .filter((bytes) => bytes.length > 0 && agree(bytes, rest))
    .map((bytes) => 1 + least(tokens, rest.slice(bytes.length)));
  return Math.min(Infinity, ...counts);
}

/** Log-probabilities over the whole vocabulary. */
export function logprobsAfter(model: LookupModel, path: readonly number[]): number[] {
  const logits = [...model.logitsAfter(path)];
  const total = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
  return logits.map((logit) => logit - total);
}

/** All whole texts, best first by the mean log-probability of their tokens: those that end, or have the full length. */
export function allTexts(given: HealingCase): { readonly ids: readonly number[]; readonly score: number }[] {
  const { model, kept, length } = given;
  const [end] = model.eosTokenIds;
  const texts: { ids: readonly number[]; score: number }[] = [];
  const extend = (ids: readonly number[], sum: number): void => {
    if (ids.length > 0 && (ids.at(-1) === end || ids.length === length)) {
      texts.push({ ids, score: sum / ids.length });
      return;
    }
    const logprobs = logprobsAfter(model, [...kept, ...ids]);
    for (const token of legal(given, ids)) extend([...ids, token], sum + (logprobs[token] as number));
  };
  extend([], 0);
  return texts.sort((a, b) => b.score - a.score);
}

/** The likeliest legal token again and again. */
export function greedyText(given: HealingCase): number[] {
  const { model, kept, length } = given;
  const ids: number[] = [];
  while (ids.length < length) {
    const logits = model.logitsAfter([...kept, ...ids]);
    const [first = 0, ...others] = legal(given, ids);
    const best = others.reduce((a, b) => ((logits[b] as number) > (logits[a] as number) ? b : a), first);
    ids.push(best);
    if (model.eosTokenIds.includes(best)) break;
  }
  return ids;
}
