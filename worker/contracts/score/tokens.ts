/** @module The tokens of scored texts, as answers report them. */
import type { ScoredToken } from '../../serving/scoring/score.ts';
import type { LogprobEntries } from '../openai/logprobs.ts';

export function tokenOf(entries: LogprobEntries, { id, logprob, rank, entropy, offset }: ScoredToken) {
  return { id, token: entries.name(id), logprob, rank, entropy, text_offset: offset };
}
