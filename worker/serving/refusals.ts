/** @module The refusals of requests that never fit: each names the field to change, and what would fit. */
import { branchCount, maxNewTokensWithin } from '../../decoding/options/capacity.ts';
import type { MemoryExhaustedError } from '../../engine/batching/errors.ts';
import type { SlotsExhaustedError } from '../../engine/cache/errors.ts';
import { ApiError } from '../http/errors.ts';
import { type GenerationSize, largestThatFits, leastMemory, type SizeOptions } from './memory-estimate.ts';
import { type GenerationRequest, lengthOf, type RequestFields } from './request.ts';

export function exceedsCache(
  { requested, maximum }: SlotsExhaustedError,
  request: GenerationRequest,
): ApiError {
  const { prompts, options, fields } = request;
  const branches = branchCount(options);
  const largest = Math.min(
    ...prompts.map(
      (prompt) =>
        maxNewTokensWithin(maximum, prompt.ids.length, options) - (prompt.healed?.removed.length ?? 0),
    ),
  );
  const longest = Math.max(...prompts.map(lengthOf));
  const texts = branches > 1 ? `${branches} texts after it` : 'the text after it';
  const advice =
    largest > 0
      ? `after this prompt ${fields.maxTokens} can be at most ${largest}`
      : 'the prompt alone is too long';
  return new ApiError(
    400,
    `This deployment's cache holds ${maximum} tokens, but the request needs ${requested} for a ` +
      `prompt of ${longest} and ${texts}: ${advice}`,
    { param: largest > 0 ? fields.maxTokens : fields.prompt, code: 'cache_size_exceeded' },
  );
}

export function exceedsMemory(
  { requested, maximum }: MemoryExhaustedError,
  size: GenerationSize,
  fields: RequestFields,
): ApiError {
  const [change] = changesOf(size, fields).flatMap((change) => {
    const fits = (value: number) => leastMemory(change.with(value)) <= maximum;
    const largest = largestThatFits(change.least, change.value - 1, fits);
    return largest === undefined ? [] : [{ ...change, largest }];
  });
  const problem = `The request needs ${requested} bytes of memory for its texts, and this deployment has ${maximum}`;
  const { param, advice } = change
    ? { param: change.param, advice: `${change.name} can be at most ${change.largest}, not ${change.value}` }
    : { param: fields.prompt, advice: 'the prompt is too long for these options' };
  return new ApiError(400, `${problem}: ${advice}`, { param, code: 'memory_exceeded' });
}

/** A field that could be smaller. */
interface Change {
  readonly param: string;
  readonly name: string;
  readonly least: number;
  readonly value: number;
  with(value: number): GenerationSize;
}

/** In the order in which a client would change them. */
function changesOf(size: GenerationSize, fields: RequestFields): Change[] {
  const { options, prompts, characters, n } = size;
  const { num_beams, num_return_sequences, best_of, max_new_tokens, logprobs } = options;
  const change = (
    param: string,
    value: number,
    changed: (value: number) => Partial<GenerationSize>,
    rest: { readonly least?: number; readonly name?: string } = {},
  ): Change => ({
    param,
    name: `'${param}'`,
    least: 1,
    value,
    with: (smaller) => ({ ...size, ...changed(smaller) }),
    ...rest,
  });
  /** At most `value` texts, and the options in `changed`. */
  const narrowed = (value: number, changed: Partial<SizeOptions> = {}) => ({
    n: Math.min(n, value),
    options: { ...options, num_return_sequences: Math.min(num_return_sequences, value), ...changed },
  });
  return [
    change(fields.n, n, (value) => narrowed(value)),
    change('num_beams', num_beams, (value) => narrowed(value, { num_beams: value })),
    change('best_of', best_of ?? 1, (value) => narrowed(value, { best_of: value })),
    change(fields.maxTokens, max_new_tokens, (value) => ({
      options: { ...options, max_new_tokens: value },
    })),
    change(
      fields.prompt,
      prompts.length,
      (value) => ({
        prompts: prompts.toSorted((a, b) => b - a).slice(0, value),
        characters: Math.ceil((characters * value) / prompts.length),
      }),
      { name: `the number of prompts in '${fields.prompt}'` },
    ),
    change(fields.logprobs, logprobs ?? 0, (value) => ({ options: { ...options, logprobs: value } }), {
      least: 0,
    }),
  ];
}
