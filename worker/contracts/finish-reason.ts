/** @module Why a text ended, in OpenAI's words, which Workers AI has too. */
import type { FinishReason } from '../../decoding/strategies/stopping.ts';

export function finishReason(reason: FinishReason): 'stop' | 'length' {
  return reason === 'length' ? 'length' : 'stop';
}
