/** @module The refusals of scoring that never fits, and what would fit. */
import type { MemoryExhaustedError } from '../../../engine/batching/errors.ts';
import type { SlotsExhaustedError } from '../../../engine/cache/errors.ts';
import { ApiError } from '../../http/errors.ts';

/** @param what of the request needs the space @param param the field to change */
export function scoringRefusals(what: string, param: string, advice: string) {
  return {
    cache: ({ requested, maximum }: SlotsExhaustedError) => {
      const message = `This deployment's cache holds ${maximum} tokens, but ${what} need ${requested}: ${advice}`;
      return new ApiError(400, message, { param, code: 'cache_size_exceeded' });
    },
    memory: ({ requested, maximum }: MemoryExhaustedError) => {
      const message = `The request needs ${requested} bytes of memory for its tokens, and this deployment has ${maximum}: ${advice}`;
      return new ApiError(400, message, { param, code: 'memory_exceeded' });
    },
  };
}
