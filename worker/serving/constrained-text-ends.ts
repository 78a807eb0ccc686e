/**
 * @module The tokens that end constrained texts. They stand after a text that has its form, so that their own text,
 * if they have any, is no part of it.
 */
import type { ResolvedOptions } from '../../decoding/options/options.ts';
import type { StreamingTokenDecoder } from './stop-string-filter.ts';

type EndOptions = Pick<
  ResolvedOptions,
  'eos_token_id' | 'ignore_eos' | 'stop_token_ids' | 'forced_eos_token_id' | 'max_new_tokens'
>;

/** Decodes the tokens of one constrained text, of which those that end it have no text. */
export function constrainedTextEnds(
  decoder: StreamingTokenDecoder,
  { eos_token_id = [], ignore_eos, stop_token_ids, forced_eos_token_id, max_new_tokens }: EndOptions,
): StreamingTokenDecoder {
  const ends = new Set([...(ignore_eos ? [] : eos_token_id), ...stop_token_ids]);
  // A forced end may be a token that elsewhere is part of the text.
  const forced = forced_eos_token_id ? max_new_tokens : Infinity;
  let tokens = 0;
  return {
    push(token) {
      tokens++;
      return ends.has(token) || tokens === forced ? '' : decoder.push(token);
    },
    flush: () => decoder.flush(),
  };
}
