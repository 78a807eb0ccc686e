/** @module What `bench/workerd/decode.ts` takes. */
import type { DecodingOptions } from '../../decoding/options.ts';

export interface DecodeRequest {
  readonly prompt: readonly number[];
  readonly options: DecodingOptions;
}
