/** @module The catalogue that a request searches: loaded, and checked against the request. */
import type { Trie } from '../../decoding/catalogue/trie.ts';
import { TypedTrie } from '../../decoding/catalogue/typed.ts';
import type { DecodedSequence } from '../../decoding/interface/events.ts';
import { requiredNodes } from '../../decoding/options/capacity.ts';
import { MemoryExhaustedError } from '../../engine/batching/errors.ts';
import { ApiError, refuse } from '../http/errors.ts';
import { type LoadedCatalogue, type OpenContext, UnusableCatalogueError } from '../isolate/catalogues.ts';
import type { ServedModel } from '../isolate/served-model.ts';
import { largestThatFits } from './memory-estimate.ts';
import type { GenerationRequest } from './request.ts';

/** `max_new_tokens` of a request that leaves it to the catalogue. */
export const ANY_LENGTH = Number.POSITIVE_INFINITY;

/** An entry in an answer. */
export interface FoundEntry {
  /** The list's, or else the place of the entry in the list, from 0. */
  readonly id: string | number;
  /** What precedes its text in its tokens. */
  readonly prefix: string;
}

/** What a generation searches. */
export interface SearchedCatalogue {
  readonly loaded: LoadedCatalogue;
  /** The whole of it, or the part that what was typed leaves. */
  readonly trie: Trie;
}

/** The entry that a decoded text is. */
export function foundEntry(
  { catalogue_entry }: Pick<DecodedSequence, 'catalogue_entry'>,
  catalogue: SearchedCatalogue | undefined,
): FoundEntry | undefined {
  if (catalogue_entry === undefined || !catalogue) return undefined;
  const { file, trie } = catalogue.loaded;
  return { id: trie.idOf(catalogue_entry), prefix: file.prefix };
}

/** @throws ApiError 400 for a name without a catalogue, and for a catalogue that cannot be used or never fits */
export async function loadCatalogue(
  { catalogues }: ServedModel,
  name: string,
  context: OpenContext,
): Promise<LoadedCatalogue> {
  try {
    return await catalogues.open(name, context);
  } catch (error) {
    if (error instanceof UnusableCatalogueError) {
      const message = `'catalogue' ${error.message}`;
      throw new ApiError(400, message, { param: 'catalogue', code: 'invalid_catalogue' });
    }
    if (!(error instanceof MemoryExhaustedError)) throw error;
    throw new ApiError(
      400,
      `'catalogue' ${JSON.stringify(name)} takes ${error.requested} bytes of memory, and this deployment has ${error.maximum}`,
      { param: 'catalogue', code: 'memory_exceeded' },
    );
  }
}

/**
 * The request with the length of the longest entry, for which there must be room.
 * @throws ApiError 400
 */
export function withCatalogue(
  request: GenerationRequest,
  { file: { depth, entries } }: LoadedCatalogue,
): GenerationRequest {
  const { options, constraint, fields, n } = request;
  if (constraint) refuse(constraint.field, "must not be given beside 'catalogue'", '{…}');
  // Of those that begin with a text, there may be fewer, or none.
  if (options.catalogue_prefix === undefined && n > entries)
    refuse(fields.n, `must be at most ${entries}, the entries of the catalogue`, n);
  if (options.max_new_tokens < depth) {
    const rule = `must be at least ${depth}, the tokens of the longest entry of the catalogue`;
    refuse(fields.maxTokens, rule, options.max_new_tokens);
  }
  return { ...request, options: { ...options, max_new_tokens: depth } };
}

/** What a request searches of a catalogue. @param typed the beginning of the texts, without the catalogue's prefix */
export function searchedPart(
  { tokenizer }: ServedModel,
  loaded: LoadedCatalogue,
  typed = '',
): SearchedCatalogue {
  if (typed === '') return { loaded, trie: loaded.trie };
  const bytes = new TextEncoder().encode(loaded.file.prefix + typed);
  const trie = new TypedTrie(loaded.trie, bytes, (token, isFirst) =>
    isFirst ? tokenizer.bytesAfter([])(token) : tokenizer.tokenBytes(token),
  );
  return { loaded, trie };
}

/** The refusal of a search with too many beams for the cache. */
export function tooManyBeams(
  { prompts, options, fields }: GenerationRequest,
  { loaded: { trie } }: SearchedCatalogue,
  maximum: number,
): ApiError {
  const longest = Math.max(...prompts.map(({ ids }) => ids.length));
  const nodes = (num_beams: number) => requiredNodes(longest, { ...options, num_beams }, trie);
  const { num_beams } = options;
  const largest = largestThatFits(1, num_beams - 1, (beams) => nodes(beams) <= maximum);
  const advice = largest
    ? `'num_beams' must be at most ${largest} after this prompt in this catalogue, not ${num_beams}`
    : 'the prompt alone is too long';
  return new ApiError(
    400,
    `This deployment's cache holds ${maximum} tokens, but the request needs ${nodes(num_beams)}: ${advice}`,
    { param: largest ? 'num_beams' : fields.prompt, code: 'cache_size_exceeded' },
  );
}
