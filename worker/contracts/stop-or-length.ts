/** @module The finish reason of OpenAI and Workers AI. */
import type { FinishReason } from '../../decoding/interface/events.ts';

export function stopOrLengthOf(reason: FinishReason): 'stop' | 'length' {
  return reason === 'length' ? 'length' : 'stop';
}
